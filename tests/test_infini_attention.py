"""Attention inside the segment, a matrix written by the delta rule for what came before, and a gate between."""

import pytest

torch = pytest.importorskip("torch")

from cells import last_changed_by_first  # noqa: E402
from remanence.layers.attention import Attention  # noqa: E402
from remanence.layers.infini_attention import InfiniAttention  # noqa: E402

torch.set_num_threads(1)


def f(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x + 1, x.exp())


@torch.no_grad()
def test_it_is_the_formula_token_by_token() -> None:
    """A memory that adds f(k) v up, without taking away what it already answers (linear attention, the nearest simpler
    one), differs from the third segment on."""
    torch.manual_seed(0)
    cell, x = InfiniAttention(4, segment=3, conv=0).double(), torch.randn(1, 11, 4, dtype=torch.float64)
    cell.beta.fill_(0.4)
    q, k, v = (project(x[0]) for project in cell.qkv.project)
    m, z, out = torch.zeros(4, 4, dtype=torch.float64), torch.zeros(4, dtype=torch.float64), []
    gate = 1 / (1 + torch.tensor(-0.4, dtype=torch.float64).exp())
    for t in range(11):
        start = t - t % 3
        if t == start and t > 0:
            before, norm = m, z
            for i in range(t - 3, t):
                known = f(k[i]) @ before / (f(k[i]) @ norm) if t > 3 else 0
                m, z = m + torch.outer(f(k[i]), v[i] - known), z + f(k[i])
        seen = (k[start : t + 1] @ q[t] / 2).softmax(0) @ v[start : t + 1]
        remembered = f(q[t]) @ m / (f(q[t]) @ z) if start else torch.zeros(4, dtype=torch.float64)
        out.append(gate * remembered + (1 - gate) * seen)
    assert torch.allclose(cell(x)[0], cell.out(torch.stack(out)[None, None]), atol=1e-12)


def test_it_remembers_what_a_window_has_lost() -> None:
    """Attention over a window of a segment's size (the nearest simpler cell) knows nothing of the first token."""
    torch.manual_seed(0)
    assert last_changed_by_first(InfiniAttention(4, segment=8)) > 1e-6
    assert last_changed_by_first(Attention(4, window=8)) == 0


@torch.no_grad()
def test_each_head_has_a_gate_of_its_own() -> None:
    """One sees the segment alone and one remembers alone: changes before the segment reach the second."""
    torch.manual_seed(0)
    cell, x = InfiniAttention(4, heads=2, segment=4, conv=0), torch.randn(1, 8, 4)
    cell.beta.copy_(torch.tensor([-50.0, 50.0]))
    cell.out.project.weight.copy_(torch.eye(4))
    other = x.clone()
    other[:, :4] = torch.randn(1, 4, 4)
    change = (cell(x)[0] - cell(other)[0])[:, 4:].abs().amax((0, 1))
    assert float(change[:2].max()) < 1e-6 < 1e-2 < float(change[2:].min())
