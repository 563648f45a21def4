"""A window, always with the persistent tokens in it, and a memory of everything that opens and shuts it."""

import pytest

torch = pytest.importorskip("torch")

from cells import last_changed_by_first, told  # noqa: E402
from remanence.layers.attention import Attention  # noqa: E402
from remanence.layers.titans_mag import TitansMAG  # noqa: E402

torch.set_num_threads(1)


@torch.no_grad()
def test_it_is_the_formula_token_by_token() -> None:
    """Written out around its memory, which has a test of its own; in one piece, and token by token."""
    torch.manual_seed(0)
    cell = TitansMAG(4, window=3, persistent=2, grad_chunk=5, conv=0).double()
    x, made = torch.randn(1, 12, 4, dtype=torch.float64), []
    to_q, to_k, to_v = (project.weight for project in cell.attention.qkv.project)
    for t in range(12):
        seen = torch.stack([*cell.persistent, *x[0, max(0, t - 2) : t + 1]])
        made.append((seen @ to_k.T @ (to_q @ x[0, t]) / 2).softmax(0) @ (seen @ to_v.T))
    y = cell.attention.out(torch.stack(made)[None, None])
    gate, _ = cell.memory(x, told(cell))
    want = cell.norm(y) * cell.gate_norm(gate).sigmoid()
    assert torch.allclose(cell(x)[0], want, atol=1e-12)
    state, out = None, []
    for token in x.split(1, 1):
        y, state = cell(token, state)
        out.append(y)
    assert torch.allclose(torch.cat(out, 1), want, atol=1e-12)
    assert state.seen.k.shape[2] == 2


def test_it_remembers_what_a_window_has_lost() -> None:
    """Attention over the same window (the nearest simpler cell) knows nothing of the first token."""
    torch.manual_seed(0)
    assert last_changed_by_first(TitansMAG(4, window=8)) > 1e-6
    assert last_changed_by_first(Attention(4, window=8)) == 0
