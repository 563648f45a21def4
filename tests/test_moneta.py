"""Large errors pull more than in proportion, and the weights it is read with cannot run off."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.moneta import Moneta  # noqa: E402
from remanence.layers.parts.inner_loss import L2, Lp  # noqa: E402
from remanence.layers.parts.inner_rule import NormedDescent, PlainDescent  # noqa: E402

torch.set_num_threads(1)


def pull(loss: L2 | Lp, error: float) -> float:
    y = torch.tensor([error], dtype=torch.float64, requires_grad=True)
    loss(y, torch.zeros(1, dtype=torch.float64)).backward()
    return float(y.grad)


def test_the_pull_of_an_error_grows_with_its_square() -> None:
    assert pull(Lp(3.0), 4.0) / pull(Lp(3.0), 2.0) == pytest.approx(4, rel=1e-3)
    assert pull(L2(), 4.0) / pull(L2(), 2.0) == pytest.approx(2)  # the nearest simpler loss


def test_weights_are_divided_by_their_norm() -> None:
    u = torch.tensor([[3.0, 0.0], [0.0, 4.0]], dtype=torch.float64)
    norm = (3.0**4 + 4.0**4) ** 0.25
    assert torch.allclose(NormedDescent(4.0).weights(u), u / norm**2)
    big = NormedDescent(4.0).weights(100 * u)
    assert float(big.norm()) < float(NormedDescent(4.0).weights(u).norm())
    assert float(PlainDescent().weights(100 * u).norm()) == pytest.approx(500)  # the nearest simpler rule


def test_p_and_q_are_settings() -> None:
    cell = Moneta(4, p=2.5, q=3.0)
    assert cell.loss == Lp(2.5)
    assert cell.rule == NormedDescent(3.0)
