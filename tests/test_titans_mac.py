"""A segment attends to what the memory answers, and the memory is written with what came of that."""

import pytest

torch = pytest.importorskip("torch")

from cells import last_changed_by_first  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.attention import Attention  # noqa: E402
from remanence.layers.titans_mac import TitansMAC  # noqa: E402

torch.set_num_threads(1)
F = torch.nn.functional


@torch.no_grad()
def test_it_is_the_formula_token_by_token() -> None:
    """Written out around its memory, which has a test of its own."""
    torch.manual_seed(0)
    cell = TitansMAC(4, segment=4, persistent=2, grad_chunk=2, conv=0).double()
    x, out = torch.randn(1, 14, 4, dtype=torch.float64), []
    to_q, to_k, to_v = (project.weight for project in cell.qkv.project)
    state = cell.memory.init_state(1)
    for piece in x[0].split(4):
        m, made = state.u[0][0, 0], []
        h = [cell.answer.weight @ (m.T @ F.normalize(F.silu(cell.query.weight @ token), dim=0)) for token in piece]
        for t in range(len(piece)):
            seen = torch.stack([*cell.persistent, *h[: t + 1], *piece[: t + 1]])
            weights = (seen @ to_k.T @ (to_q @ piece[t]) / 2).softmax(0)
            made.append(weights @ (seen @ to_v.T))
        y = cell.out(torch.stack(made)[None, None])
        gate, state = cell.memory(y, state)
        out.append(cell.norm(y) * cell.gate_norm(gate).sigmoid())
    assert torch.allclose(cell(x)[0], torch.cat(out, 1), atol=1e-12)


def test_it_remembers_what_a_window_has_lost() -> None:
    """Attention over a window of a segment's size (the nearest simpler cell) knows nothing of the first token. With
    the gate always half open, what is left of it comes through the context."""
    torch.manual_seed(0)
    mac = TitansMAC(4, segment=8, grad_chunk=8)
    torch.nn.init.zeros_(mac.gate_norm.weight)
    assert last_changed_by_first(mac) > 1e-6
    assert last_changed_by_first(Attention(4, window=8)) == 0


def test_chunks_that_do_not_fit_a_segment_are_refused() -> None:
    with pytest.raises(BadConfig, match="grad_chunk"):
        TitansMAC(4, segment=16, grad_chunk=5)
