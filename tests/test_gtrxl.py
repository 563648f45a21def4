"""It is its formula; with its gates shut it passes on what it is given, where a block that adds does not."""

import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.gtrxl import SHUT, GRUGate, GTrXL  # noqa: E402
from remanence.layers.lm.decoder import DecoderLayer  # noqa: E402

torch.set_num_threads(1)
D, H, T = 8, 2, 9


def turned(x: torch.Tensor, place: int) -> torch.Tensor:
    """The two halves of a head as one complex number an entry, turned."""
    half = x.shape[-1] // 2
    angle = place * 10_000.0 ** (-torch.arange(half, dtype=x.dtype) / half)
    z = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([z.real, z.imag], -1)


def gated(gate: GRUGate, x: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    w_r, w_z, w_h = gate.says.weight.split(D)
    u_r, u_z = gate.given.weight.split(D)
    r, z = torch.sigmoid(w_r @ a + u_r @ x), torch.sigmoid(w_z @ a + u_z @ x - SHUT)
    return (1 - z) * x + z * torch.tanh(w_h @ a + gate.old.weight @ (r * x))


@pytest.mark.parametrize("form", ["parallel", "recurrent"])
def test_the_block_is_the_formula(form: str) -> None:
    torch.manual_seed(0)
    block, x = GTrXL(D, heads=H, window=3).double(), torch.randn(T, D, dtype=torch.float64)
    seen = F.layer_norm(x, (D,))  # its weights are 1 and 0 at first
    q, k, v = (f(seen).view(T, H, D // H) for f in (block.q, block.k, block.v))
    out, added = [], []
    for t in range(T):
        back, heads = range(max(0, t - 3), t + 1), []
        for h in range(H):
            scores = torch.stack([turned(q[t, h], t) @ turned(k[i, h], i) for i in back]) / (D / H) ** 0.5
            heads.append(scores.softmax(0) @ v[back.start : back.stop, h])
        a = block.out(torch.cat(heads)).relu()
        u = gated(block.attention_gate, x[t], a)
        out.append(gated(block.gate, u, block.down(block.up(F.layer_norm(u, (D,))).relu()).relu()))
        u = x[t] + a
        added.append(u + block.down(block.up(F.layer_norm(u, (D,))).relu()).relu())
    assert torch.allclose(block(x[None], form=form)[0][0], torch.stack(out), atol=1e-10)
    assert not torch.allclose(block(x[None], form=form)[0][0], torch.stack(added), atol=1e-2)


def test_with_its_gates_shut_it_changes_nothing() -> None:
    torch.manual_seed(0)
    block, x = GTrXL(D), torch.randn(2, T, D)
    for gate in (block.attention_gate, block.gate):
        gate.b.data.fill_(40.0)
    assert torch.allclose(block(x)[0], x, atol=1e-6)
    assert not torch.allclose(DecoderLayer(D, 1, 4 * D)(x, None), x, atol=1e-1)


def test_at_first_they_are_nearly_shut() -> None:
    """A GRU's z is a half without the bias; with it, one part in eight is let in."""
    torch.manual_seed(0)
    gate, x = GRUGate(D), torch.zeros(1, 1, D)
    a = torch.randn(1, 4000, D)
    z = (gate.says(a).chunk(3, -1)[1] - gate.b).sigmoid().mean()
    assert float(z.detach()) == pytest.approx(1 / (1 + torch.e**2), abs=0.03)
    assert float((gate(x, a) - x).abs().mean().detach()) < 0.1


def test_it_keeps_the_window_and_no_more() -> None:
    block, x = GTrXL(D, window=3), torch.randn(1, 20, D)
    _, state = block(x)
    assert torch.equal(state.x, x[:, -3:])
    other = x.clone()
    other[:, :16] = torch.randn(16, D)
    assert torch.allclose(block(x)[0][:, 19], block(other)[0][:, 19])
    assert not torch.allclose(block(x)[0][:, 18], block(other)[0][:, 18])


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(BadConfig, match="even"):
        GTrXL(6, heads=2)
    with pytest.raises(BadConfig, match="window"):
        GTrXL(4, window=0)
