"""What left the window is found again if it is among the k nearest; a window alone has lost it."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.attention import Attention  # noqa: E402
from remanence.layers.memorizing_layer import MemorizingLayer  # noqa: E402

torch.set_num_threads(1)


def layer(**settings: int) -> MemorizingLayer:
    torch.manual_seed(0)
    made = MemorizingLayer(6, heads=2, window=3, k=2, conv=0, **settings).double()
    torch.nn.init.normal_(made.gate)
    return made


@torch.no_grad()
@pytest.mark.parametrize("size", [0, 4])
def test_it_is_the_formula(size: int) -> None:
    m = layer(size=size) if size else layer()
    x = torch.randn(1, 11, 6, dtype=torch.float64)
    q, k, v = (p(x).view(11, 2, 3) for p in m.qkv.project)

    def attention(t: int, h: int, at: list[int]) -> torch.Tensor:
        return (k[at, h] @ q[t, h] / 3**0.5).softmax(0) @ v[at, h]

    out = []
    for t in range(11):
        heads = []
        for h in range(2):
            near = attention(t, h, list(range(max(0, t - 2), t + 1)))
            older = list(range(max(0, t - 2 - size) if size else 0, t - 2))
            best = sorted(older, key=lambda i: -float(k[i, h] @ q[t, h]))[:2]
            g = float(m.gate[h].sigmoid()) if older else 0.0
            heads.append(m.out.norm((1 - g) * near + (g * attention(t, h, best) if older else 0)))
        out.append(torch.cat(heads))
    assert torch.allclose(m(x)[0][0], m.out.project(torch.stack(out)), rtol=0, atol=1e-12)


def test_the_first_token_is_read_from_afar_and_gets_no_gradient() -> None:
    m = layer()
    m.qkv.project[0].weight.data.copy_(m.qkv.project[1].weight.data)  # so that a key finds what is like it
    x = torch.randn(1, 12, 6, dtype=torch.float64)
    x[:, 11] = x[:, 0] = 3 * x[:, 0]
    other = x.clone().detach()
    other[:, 0, :] *= 1.01
    x.requires_grad_()
    y, state = m(x)
    assert not state.k.requires_grad  # nothing is held for the way back
    assert float((m(other)[0] - y)[:, -1].detach().abs().max()) > 1e-4
    y[:, -1].square().sum().backward()
    assert not bool(x.grad[:, 0].any())
    assert bool(x.grad[:, -3:].any(-1).all())
    window = Attention(6, heads=2, window=3, conv=0).double()  # the nearest simpler layer
    assert torch.equal(window(other)[0][:, -1], window(x)[0][:, -1])


@torch.no_grad()
def test_size_bounds_the_state_and_a_row_that_begins_anew_has_none() -> None:
    m, x = layer(size=4), torch.randn(2, 20, 6, dtype=torch.float64)
    _, state = m(x)
    assert (state.k.shape[2], state.near.k.shape[2]) == (4, 2)
    state = m.anew(state, torch.tensor([True, False]))
    assert (state.real.any(1).tolist(), state.near.real.any(1).tolist()) == ([False, True], [False, True])
    none = replace(state, real=torch.zeros_like(state.real))
    assert not torch.equal(m(x[:, :1], none)[0][1], m(x[:, :1], state)[0][1])
    assert torch.allclose(m(x[:, :1], state)[0][0], m(x[:1, :1])[0][0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", [{"window": 0}, {"k": 0}, {"size": 0}, {"heads": 3}])
def test_what_cannot_be_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(BadConfig):
        MemorizingLayer(8, **settings)
