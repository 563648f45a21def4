"""A surprise goes on being written after its token, and what is not needed fades: the delta rule does neither."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.parts.inner_loss import L2  # noqa: E402
from remanence.layers.parts.inner_memory import MLP, Matrix  # noqa: E402
from remanence.layers.parts.inner_rule import Descent  # noqa: E402
from remanence.layers.titans import Titans  # noqa: E402

torch.set_num_threads(1)


def test_momentum_carries_a_surprise_on_and_decay_lets_go() -> None:
    """One token with an error of 1, then nothing new: steps of 1/2, 1/4, 1/8 of it, each after a tenth is forgotten."""
    u, s, rule = torch.zeros(1, 1), torch.zeros(1, 1), Descent()
    written = []
    for gradient in (-1.0, 0.0, 0.0):
        u, s = rule.step(u, s, torch.tensor([[gradient]]), (torch.tensor(0.1), torch.tensor(0.5), torch.tensor(0.5)))
        written.append(float(u))
    assert written == pytest.approx([0.5, 0.9 * 0.5 + 0.25, 0.9 * (0.9 * 0.5 + 0.25) + 0.125])


def test_what_it_writes_is_the_gradient_of_how_badly_it_recalls() -> None:
    torch.manual_seed(0)
    memory, k, v = MLP(2), torch.randn(4, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    weights = tuple(w.double().requires_grad_() for w in memory.init(4, 4))
    before = L2()(memory.read(weights, k), v)
    gradients = torch.autograd.grad(before, weights)
    nudged = tuple(w - 1e-4 * g for w, g in zip(weights, gradients, strict=True))
    assert float((before - L2()(memory.read(nudged, k), v)).detach()) > 0


@pytest.mark.parametrize("grad_chunk", [1, 5])
def test_a_linear_memory_in_closed_form_is_the_recurrence(grad_chunk: int) -> None:
    """Written out with loops, momentum and decay included."""
    torch.manual_seed(0)
    cell, x = Titans(4, grad_chunk=grad_chunk, conv=0).double(), torch.randn(1, 13, 4, dtype=torch.float64)
    q, k, v, _ = cell.qkv(x, cell.qkv.init_state(1))
    q, k = (torch.nn.functional.normalize(torch.nn.functional.silu(t[0, 0]), dim=-1) for t in (q, k))
    alpha, eta, theta = (g[0, 0] for g in cell.gate(x))
    m, s, out = torch.zeros(4, 4, dtype=torch.float64), torch.zeros(4, 4, dtype=torch.float64), []
    for t in range(13):
        if t % grad_chunk == 0:
            fixed = m
        s = eta[t] * s - theta[t] * torch.outer(k[t], fixed.T @ k[t] - v[0, 0, t])
        m = (1 - alpha[t]) * m + s
        out.append(m.T @ q[t])
    assert torch.allclose(cell(x)[0], cell.out(torch.stack(out)[None, None]), atol=1e-12)


def test_a_deep_memory_holds_what_a_matrix_cannot() -> None:
    """x -> |x|, for keys and their opposites: a matrix answers opposites with opposites."""
    torch.manual_seed(1)
    keys = torch.nn.functional.normalize(torch.randn(4, 6), dim=-1)
    keys, values = torch.cat([keys, -keys]), torch.randn(4, 6).repeat(2, 1)

    def left(memory: MLP | Matrix) -> float:
        weights = tuple(w.requires_grad_() for w in memory.init(6, 6))
        for _ in range(400):
            loss = sum(L2()(memory.read(weights, k), v) for k, v in zip(keys, values, strict=True))
            gradients = torch.autograd.grad(loss, weights)
            weights = tuple((w - 0.03 * g).detach().requires_grad_() for w, g in zip(weights, gradients, strict=True))
        return float(loss.detach())

    assert left(MLP(4)) < 0.5 * left(Matrix())
