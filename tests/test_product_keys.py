"""The best of n² keys, found among 2 n halves, are the best of all; the best half of either side is not enough."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.product_keys import ProductKeys  # noqa: E402

torch.set_num_threads(1)


def test_it_finds_what_a_search_of_all_keys_finds() -> None:
    torch.manual_seed(0)
    m, x = ProductKeys(6, keys=12, heads=3, k=5, key_width=6).double(), torch.randn(2, 80, 6, dtype=torch.float64)
    ids, weights = m.lookup(x)
    q = m.norm(m.query(x).unflatten(-1, (3, -1)))
    for h in range(3):
        whole = torch.stack([torch.cat([a, b]) for a in m.halves[h, 0] for b in m.halves[h, 1]])  # [n², D]
        scores, best = (q[:, :, h] @ whole.T).topk(5, -1)
        assert bool((ids[..., 5 * h : 5 * h + 5] == best).all())
        assert torch.allclose(weights[..., 5 * h : 5 * h + 5], scores.softmax(-1))
    expected = (weights[..., None] * m.values[ids]).sum(-2)
    assert torch.allclose(m(x), expected, atol=1e-12)


def test_the_best_halves_alone_would_miss_some() -> None:
    """The nearest simpler lookup: pair the i-th best of one half with the i-th best of the other."""
    torch.manual_seed(0)
    m, x = ProductKeys(6, keys=12, heads=1, k=5, key_width=6), torch.randn(1, 200, 6)
    q = m.norm(m.query(x).unflatten(-1, (1, -1))).unflatten(-1, (2, -1))
    at = torch.einsum("...hpd,hpnd->...hpn", q, m.halves).topk(5, -1).indices
    paired = at[..., 0, :] * 12 + at[..., 1, :]
    assert float((paired[..., 0, :].sort(-1).values == m.lookup(x)[0].sort(-1).values).float().mean()) < 0.7


@pytest.mark.parametrize(("width", "half"), [(16, 2), (8, 1), (3, 1), (256, 32)])
def test_a_key_is_a_quarter_as_wide_as_the_layer(width: int, half: int) -> None:
    assert ProductKeys(width, keys=8).halves.shape[-1] == half


@pytest.mark.parametrize("settings", [{"k": 33}, {"k": 0}, {"key_width": 5}])
def test_what_cannot_be_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(BadConfig):
        ProductKeys(8, **settings)
