"""The cache is a gated unit's, of each sequence by itself, and older than the segment that reads it."""

import pytest

torch = pytest.importorskip("torch")

from cells import last_changed_by_first  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.attention import Attention  # noqa: E402
from remanence.layers.cached_transformer import CachedTransformer  # noqa: E402

torch.set_num_threads(1)


@torch.no_grad()
def test_it_is_the_formula_token_by_token() -> None:
    torch.manual_seed(0)
    cell = CachedTransformer(4, segment=6, tokens=2, conv=0).double()
    cell.balance.fill_(0.4)
    x = torch.randn(1, 20, 4, dtype=torch.float64)
    q, k, v = (project(x[0]) for project in cell.qkv.project)
    c, out = torch.zeros(2, 2, dtype=torch.float64), []
    gate = 1 / (1 + torch.tensor(-0.4, dtype=torch.float64).exp())
    for t in range(20):
        start = t - t % 6
        if t == start and t > 0:
            for slot in range(2):
                tokens = x[0, t - 6 + 3 * slot : t - 3 + 3 * slot]
                pooled = cell.narrow.weight @ tokens.mean(0)
                both = torch.cat([pooled, c[slot]])
                u, r = ((w.weight @ both + w.bias).sigmoid() for w in (cell.update, cell.reset))
                candidate = cell.candidate.weight @ torch.cat([pooled, r * c[slot]]) + cell.candidate.bias
                c[slot] = (1 - u) * c[slot] + u * candidate
        seen = (k[start : t + 1] @ q[t] / 2).softmax(0) @ v[start : t + 1]
        keys, values = c @ cell.cache_k.weight.T, c @ cell.cache_v.weight.T
        out.append(gate * (keys @ q[t] / 2).softmax(0) @ values + (1 - gate) * seen)
    assert torch.allclose(cell(x)[0], cell.out(torch.stack(out)[None, None]), atol=1e-12)


def test_it_remembers_what_a_window_has_lost() -> None:
    """Attention over a window of a segment's size (the nearest simpler cell) knows nothing of the first token."""
    torch.manual_seed(0)
    assert last_changed_by_first(CachedTransformer(4, segment=8, tokens=4)) > 1e-6
    assert last_changed_by_first(Attention(4, window=8)) == 0


def test_a_cache_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BadConfig, match="divide the segment"):
        CachedTransformer(4, segment=8, tokens=3)
    with pytest.raises(BadConfig, match="share"):
        CachedTransformer(4, share=0.1)
