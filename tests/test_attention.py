"""The softmax over everything, or over a window: the exact answer that the cells with a fixed state come near to."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.attention import Attention  # noqa: E402

torch.set_num_threads(1)


@pytest.mark.parametrize("window", [None, 3])
def test_the_layer_is_the_formula(window: int | None) -> None:
    torch.manual_seed(0)
    layer = Attention(6, heads=2, conv=0, window=window).double()
    x = torch.randn(1, 9, 6, dtype=torch.float64)
    q, k, v = (p(x).view(9, 2, 3) for p in layer.qkv.project)
    out = []
    for t in range(9):
        seen = slice(0 if window is None else max(0, t - window + 1), t + 1)
        heads = []
        for h in range(2):
            weights = torch.softmax(k[seen, h] @ q[t, h] / 3**0.5, 0)
            heads.append(layer.out.norm(weights @ v[seen, h]))
        out.append(torch.cat(heads))
    assert torch.allclose(layer(x)[0], layer.out.project(torch.stack(out))[None], atol=1e-12)


def test_a_window_forgets_what_is_behind_it_and_holds_no_more() -> None:
    layer, x = Attention(4, conv=0, window=3), torch.randn(1, 20, 4)
    _, state = layer(x)
    assert state.k.shape[2] == 2  # with the next token it is three
    other = x.clone()
    other[:, :17] += 1
    assert torch.allclose(layer(x)[0][:, 19], layer(other)[0][:, 19])
    _, all_ = Attention(4, conv=0)(x)
    assert all_.k.shape[2] == 20


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(BadConfig, match="window"):
        Attention(4, window=0)
