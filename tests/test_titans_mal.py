"""Attention over a window of what the memory answers."""

import pytest

torch = pytest.importorskip("torch")

from cells import last_changed_by_first, told  # noqa: E402
from remanence.layers.attention import Attention  # noqa: E402
from remanence.layers.titans_mal import TitansMAL  # noqa: E402

torch.set_num_threads(1)


@torch.no_grad()
def test_it_is_attention_to_what_the_memory_made_of_the_last_tokens() -> None:
    """Written out around its memory, which has a test of its own; in one piece, and token by token. The other order,
    memory after attention, differs, and so does a memory that knows no persistent tokens."""
    torch.manual_seed(0)
    cell = TitansMAL(4, window=3, persistent=2, grad_chunk=5, conv=0).double()
    x, made = torch.randn(1, 12, 4, dtype=torch.float64), []
    y = cell.memory(x, told(cell))[0][0]
    to_q, to_k, to_v = (project.weight for project in cell.attention.qkv.project)
    for t in range(12):
        seen = y[max(0, t - 2) : t + 1]
        made.append((seen @ to_k.T @ (to_q @ y[t]) / 2).softmax(0) @ (seen @ to_v.T))
    want = cell.attention.out(torch.stack(made)[None, None])
    assert torch.allclose(cell(x)[0], want, atol=1e-12)
    state, out = None, []
    for token in x.split(1, 1):
        o, state = cell(token, state)
        out.append(o)
    assert torch.allclose(torch.cat(out, 1), want, atol=1e-12)


def test_it_remembers_what_a_window_has_lost() -> None:
    """Attention over the same window (the nearest simpler cell) knows nothing of the first token."""
    torch.manual_seed(0)
    assert last_changed_by_first(TitansMAL(4, window=8)) > 1e-6
    assert last_changed_by_first(Attention(4, window=8)) == 0
