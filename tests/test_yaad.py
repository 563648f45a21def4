"""A wild token pulls no harder than its sign: with the squared error it wipes out what was held."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.parts.inner_loss import L2, Huber  # noqa: E402
from remanence.layers.parts.inner_memory import Matrix  # noqa: E402
from remanence.layers.parts.inner_rule import PlainDescent  # noqa: E402

torch.set_num_threads(1)


def test_the_pull_of_an_error_is_bounded() -> None:
    y = torch.tensor([0.5, -0.5, 100.0, -100.0], requires_grad=True)
    Huber(1.0)(y, torch.zeros(4)).backward()
    assert y.grad.tolist() == [0.5, -0.5, 1.0, -1.0]
    assert float(Huber(2.0)(torch.tensor([5.0]), torch.zeros(1))) == pytest.approx(2 * (5 - 1))


def test_one_wild_token_does_not_wipe_out_what_is_held() -> None:
    def held_after(loss: L2 | Huber) -> float:
        """How far the first key's value is off after its like was written with a wild value."""
        memory, rule = Matrix(), PlainDescent()
        w = torch.zeros(2, 1)
        gates = (torch.tensor(0.0), torch.tensor(0.0), torch.tensor(0.5))
        key, wild = torch.tensor([1.0, 0.0]), torch.tensor([0.8, 0.6])
        for k, v in [(key, 1.0)] * 20 + [(wild, 1000.0)]:
            w = w.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(loss(memory.read((w,), k), torch.tensor([v])), w)
            w, _ = rule.step(w, torch.zeros_like(w), gradient, gates)
        return abs(float(memory.read((w.detach(),), key)) - 1.0)

    assert held_after(Huber(1.0)) < 0.5
    assert held_after(L2()) > 100
