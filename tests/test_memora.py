"""Its weights stay a distribution, whatever is written: steps multiply, and forgetting evens them out."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.memora import Memora  # noqa: E402
from remanence.layers.parts.inner_rule import Descent, Entropic  # noqa: E402

torch.set_num_threads(1)


def test_a_step_multiplies_what_is_there() -> None:
    """W' ∝ W exp(-θ ∇), worked out on four weights, and two of them as far apart as before in ratio."""
    rule, w = Entropic(1.0), torch.tensor([[0.4, 0.6], [0.8, 0.2]], dtype=torch.float64)
    gates = (torch.tensor(0.0), torch.tensor(0.0), torch.tensor(1.0))
    gradient = torch.zeros_like(w)
    gradient[1, 1] = -torch.log(torch.tensor(3.0))  # three times as much
    u, _ = rule.step(w.log(), torch.zeros_like(w), gradient, gates)
    expected = torch.tensor([[0.4, 0.6], [0.8, 0.6]], dtype=torch.float64)
    assert torch.allclose(rule.weights(u), 2 * expected / expected.sum())


def test_forgetting_evens_out() -> None:
    rule, w = Entropic(1.0), torch.tensor([[0.9, 0.1]], dtype=torch.float64)
    u, _ = rule.step(
        w.log(), torch.zeros_like(w), torch.zeros_like(w), (torch.tensor(0.5), torch.tensor(0.0), torch.tensor(1.0))
    )
    assert rule.weights(u)[0].tolist() == pytest.approx([3 / 4, 1 / 4])  # square roots: 3 to 1


def test_weights_stay_a_distribution_after_a_long_text() -> None:
    torch.manual_seed(0)
    cell = Memora(6).double()
    _, state = cell(5 * torch.randn(1, 200, 6, dtype=torch.float64))
    for u in state.u:
        w = cell.rule.weights(u)
        assert bool((w >= 0).all())
        assert torch.allclose(w.sum((-2, -1)), torch.tensor(float(w.shape[-2]), dtype=torch.float64))
    step = Descent().step(
        torch.zeros(2, 2), torch.zeros(2, 2), torch.ones(2, 2), tuple(map(torch.tensor, (0.0, 0.0, 1.0)))
    )
    assert bool((step[0] < 0).any())  # the nearest simpler rule leaves the simplex at once
