"""A weighted mean of all values: without the normaliser, more of the same would be louder."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.linear_attention import LinearAttention  # noqa: E402
from remanence.layers.parts.linear_scan import linear_scan  # noqa: E402

torch.set_num_threads(1)


def test_the_layer_is_the_quadratic_formula() -> None:
    torch.manual_seed(0)
    layer = LinearAttention(6, heads=2, conv=0, block_size=4).double()
    x = torch.randn(1, 9, 6, dtype=torch.float64)
    q, k, v = (p(x).view(9, 2, 3).transpose(0, 1) for p in layer.qkv.project)
    q, k = (torch.where(t > 0, t + 1, t.exp()) for t in (q, k))
    weights = (q @ k.mT).tril()
    y = (weights / weights.sum(-1, keepdim=True)) @ v
    expected = layer.out.project(layer.out.norm(y).transpose(0, 1).reshape(9, 6))[None]
    assert torch.allclose(layer(x)[0], expected, atol=1e-5)  # the layer adds 1e-6 to the normaliser


def test_the_same_said_often_is_no_louder() -> None:
    """The normaliser is the state of a value of 1; the plain sum of outer products grows."""
    k, v = torch.ones(1, 1, 50, 2), torch.full((1, 1, 50, 1), 3.0)
    y, _ = linear_scan(k, k, torch.cat([v, torch.ones_like(v)], -1), torch.zeros(1, 1, 2, 2), "chunk", 16)
    assert torch.allclose(y[..., :1] / y[..., 1:], v)
    assert float(y[0, 0, -1, 0]) == pytest.approx(50 * float(y[0, 0, 0, 0]))
