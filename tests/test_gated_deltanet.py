"""Everything fades by the gate, and what is written is still corrected; the plain delta rule keeps all of it."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.gated_deltanet import GatedDeltaNet  # noqa: E402
from remanence.layers.parts.delta_rule import delta_rule  # noqa: E402

torch.set_num_threads(1)


@pytest.mark.parametrize("form", ["recurrent", "chunk", "parallel"])
def test_what_was_written_long_ago_has_faded(form: str) -> None:
    e = torch.eye(2, dtype=torch.float64)
    k = torch.stack([e[0], e[1], e[1]])[None, None]
    v = torch.tensor([[8.0], [3.0], [3.0]], dtype=torch.float64)[None, None]
    one, s = torch.ones(1, 1, 3, dtype=torch.float64), torch.zeros(1, 1, 2, 1, dtype=torch.float64)
    half = torch.full((1, 1, 3), 0.5, dtype=torch.float64).log()
    _, gated = delta_rule(k, k, v, one, half, s, form, 2)
    assert torch.allclose(gated[0, 0, :, 0], torch.tensor([2.0, 3.0], dtype=torch.float64))  # 8 halved twice
    _, plain = delta_rule(k, k, v, one, None, s, form, 2)
    assert torch.allclose(plain[0, 0, :, 0], torch.tensor([8.0, 3.0], dtype=torch.float64))


def test_the_layer_is_the_formula() -> None:
    torch.manual_seed(0)
    layer = GatedDeltaNet(6, heads=2, conv=0, block_size=4).double()
    x = torch.randn(1, 9, 6, dtype=torch.float64)
    q, k, v = (torch.nn.functional.silu(p(x)).view(9, 2, 3) for p in layer.qkv.project)
    q, k = (t / t.norm(dim=-1, keepdim=True) for t in (q, k))
    s, out = torch.zeros(2, 3, 3, dtype=torch.float64), []
    for t in range(9):
        beta = torch.sigmoid(layer.beta(x[0, t]))
        alpha = torch.exp(-layer.log_rate.exp() * torch.log1p(layer.alpha(x[0, t]).exp()))
        for h in range(2):
            s[h] = alpha[h] * s[h] + beta[h] * torch.outer(k[t, h], v[t, h] - alpha[h] * s[h].T @ k[t, h])
        out.append(torch.cat([layer.out.norm(s[h].T @ q[t, h]) for h in range(2)]))
    assert torch.allclose(layer(x)[0], layer.out.project(torch.stack(out))[None], atol=1e-12)


def test_a_strong_gate_over_a_long_text_stays_finite() -> None:
    """Ratios of decays are taken as differences of logarithms, so that none overflows."""
    layer = GatedDeltaNet(4, block_size=64)
    torch.nn.init.constant_(layer.alpha.bias, 20.0)
    y, state = layer(torch.randn(1, 256, 4))
    assert bool(y.isfinite().all())
    assert bool(state.s.isfinite().all())
