"""It fits the last tokens together, steps alike in every direction, and keys as polynomials hold more than keys."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.atlas import Atlas  # noqa: E402
from remanence.layers.parts.associative import polynomial  # noqa: E402
from remanence.layers.parts.inner_rule import Descent, Muon  # noqa: E402

torch.set_num_threads(1)


def test_products_of_polynomials_are_the_series_of_the_exponential() -> None:
    torch.manual_seed(0)
    q, k = torch.randn(5, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    x = float(q @ k)
    assert float(polynomial(q, 3) @ polynomial(k, 3)) == pytest.approx(x + x**2 / 2 + x**3 / 6)


def test_polynomials_tell_more_keys_apart_than_they_are_wide() -> None:
    """Nine keys four wide: of rank four as they are (the nearest simpler memory), nine as polynomials."""
    torch.manual_seed(0)
    keys = torch.randn(9, 4, dtype=torch.float64)
    assert int(torch.linalg.matrix_rank(keys)) == 4
    assert int(torch.linalg.matrix_rank(polynomial(keys, 2))) == 9


def test_a_step_is_as_long_in_a_weak_direction_as_in_a_strong_one() -> None:
    gradient = torch.diag(torch.tensor([10.0, 0.1]))
    gates = (torch.tensor(0.0), torch.tensor(0.0), torch.tensor(1.0))
    muon, _ = Muon().step(torch.zeros(2, 2), torch.zeros(2, 2), gradient, gates)
    plain, _ = Descent().step(torch.zeros(2, 2), torch.zeros(2, 2), gradient, gates)
    assert float(muon[0, 0] / muon[1, 1]) < 3
    assert float(plain[0, 0] / plain[1, 1]) == pytest.approx(100)


def test_the_window_decides_how_many_tokens_a_step_adds_up() -> None:
    torch.manual_seed(0)
    cell, x = Atlas(6, window=3, grad_chunk=1).double(), torch.randn(1, 9, 6, dtype=torch.float64)
    _, state = cell(x)
    assert state.keys.shape == (1, 1, 2, 6 + 36)
    alone = Atlas(6, window=1, grad_chunk=1).double()
    alone.load_state_dict(cell.state_dict())
    first, second = cell(x)[0], alone(x)[0]
    assert torch.allclose(first[:, 0], second[:, 0], atol=1e-12)  # nothing to look back at
    assert float((first - second)[:, 1:].detach().abs().max()) > 1e-4
