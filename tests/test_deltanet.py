"""A key written twice answers with its last value; a plain sum of outer products answers with both."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.deltanet import DeltaNet  # noqa: E402
from remanence.layers.parts.delta_rule import delta_rule  # noqa: E402
from remanence.layers.parts.linear_scan import linear_scan  # noqa: E402

torch.set_num_threads(1)


def story() -> tuple[torch.Tensor, ...]:
    """Three keys at right angles; the first is written, then the second, then the first anew; then all are asked."""
    e = torch.eye(3, dtype=torch.float64)
    keys = torch.stack([e[0], e[1], e[0]])[None, None]
    values = torch.tensor([[1.0, 0.0], [0.0, 2.0], [5.0, 5.0]], dtype=torch.float64)[None, None]
    return keys, values, torch.zeros(1, 1, 3, 2, dtype=torch.float64)


@pytest.mark.parametrize("form", ["recurrent", "chunk", "parallel"])
def test_what_is_written_again_replaces(form: str) -> None:
    k, v, s = story()
    full = torch.ones(1, 1, 3, dtype=torch.float64)
    _, after = delta_rule(k, k, v, full, None, s, form, 2)
    assert torch.allclose(after[0, 0], torch.tensor([[5.0, 5.0], [0.0, 2.0], [0.0, 0.0]], dtype=torch.float64))
    _, summed = linear_scan(k, k, v, s, form, 2)
    assert torch.allclose(summed[0, 0, 0], torch.tensor([6.0, 5.0], dtype=torch.float64))  # the nearest simpler layer


def test_half_a_write_goes_half_the_way() -> None:
    k, v, s = story()
    half = torch.full((1, 1, 3), 0.5, dtype=torch.float64)
    _, after = delta_rule(k, k, v, half, None, s, "chunk", 8)
    assert torch.allclose(after[0, 0, 0], torch.tensor([0.25 + 2.5, 2.5], dtype=torch.float64))


def test_the_layer_is_the_formula() -> None:
    """Written out a token at a time, with everything the layer puts around the rule."""
    torch.manual_seed(0)
    layer = DeltaNet(6, heads=2, conv=0).double()
    x = torch.randn(1, 9, 6, dtype=torch.float64)
    q, k, v = (torch.nn.functional.silu(p(x)).view(9, 2, 3) for p in layer.qkv.project)
    q, k = (t / t.norm(dim=-1, keepdim=True) for t in (q, k))
    s, out = torch.zeros(2, 3, 3, dtype=torch.float64), []
    for t in range(9):
        beta = torch.sigmoid(layer.beta(x[0, t]))
        for h in range(2):
            s[h] = s[h] + beta[h] * torch.outer(k[t, h], v[t, h] - s[h].T @ k[t, h])
        out.append(torch.cat([layer.out.norm(s[h].T @ q[t, h]) for h in range(2)]))
    expected = layer.out.project(torch.stack(out))[None]
    assert torch.allclose(layer(x)[0], expected, atol=1e-12)
