"""The greatest are found as topk finds them, also where they differ in the bits that their places take up."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.parts.best_pairs import FEW, BestPairs, best  # noqa: E402

torch.set_num_threads(1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(("n", "k"), [(128, 8), (100, 32), (8, 8), (1, 1)])
def test_it_finds_what_topk_finds(dtype: torch.dtype, n: int, k: int) -> None:
    torch.manual_seed(0)
    scores = torch.randn(n, 2 * FEW).to(dtype)
    at = best(scores, k)
    assert torch.equal(scores.gather(0, at), scores.topk(k, 0).values)
    assert all(len(set(column)) == k for column in at.T.tolist())


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(("greater", "lesser"), [(7, 80), (80, 7)])
def test_neighbours_in_the_last_bit_are_told_apart(sign: float, greater: int, lesser: int) -> None:
    """The nearest simpler way, to trust what the places left of the bits, takes the wrong one."""
    scores = torch.full((128, FEW + 1), -3.0)
    scores[lesser] = sign
    scores[greater] = torch.nextafter(torch.tensor(sign), torch.tensor(4.0))
    assert best(scores, 2).unique(dim=1).T.tolist() == [[greater, lesser]]
    assert best(scores, 1).unique().tolist() == [greater]  # the next best is looked at too


def test_columns_of_equals_still_give_different_places() -> None:
    at = best(torch.zeros(16, 2 * FEW), 4)
    assert all(len(set(column)) == 4 for column in at.T.tolist())


def test_the_way_back_is_the_derivative() -> None:
    torch.manual_seed(0)
    few, many = (torch.randn(n, 2, 2, 2, dtype=torch.float64, requires_grad=True) for n in (3, FEW + 1))
    halves = torch.randn(2, 2, 6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda q, halves: BestPairs.apply(q, halves, 4)[0], (few, halves))
    (once,) = torch.autograd.grad(BestPairs.apply(few, halves, 4)[0].square().sum(), few, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        once.sum().backward()
    assert torch.autograd.gradcheck(lambda q, halves: BestPairs.apply(q, halves, 4)[0], (many, halves), fast_mode=True)
