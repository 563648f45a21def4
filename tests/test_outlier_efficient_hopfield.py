"""A softmax with one more score of 0 and nothing behind it: far from every pattern it answers nothing, no average."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.outlier_efficient_hopfield import OutlierEfficientHopfield, retrieve  # noqa: E402

torch.set_num_threads(1)


def all_(t: int, n: int) -> torch.Tensor:
    return torch.ones(t, n, dtype=torch.bool)


def test_far_from_every_pattern_it_answers_nothing() -> None:
    patterns = 20 * torch.eye(4, dtype=torch.float64)[:3]
    values = torch.tensor([[1.0], [2.0], [6.0]], dtype=torch.float64)
    query = -torch.ones(1, 4, dtype=torch.float64)
    assert float(retrieve(query, patterns, values, all_(1, 3)).detach()) == pytest.approx(0.0, abs=1e-3)
    softmax = (query @ patterns.mT / 2).softmax(-1) @ values
    assert float(softmax) == pytest.approx(3.0)  # the average of what has nothing to do with it
    near = retrieve(patterns[2:] / 2, patterns, values, all_(1, 3))
    assert float(near) == pytest.approx(6.0)


def test_it_is_a_softmax_with_one_more_score_of_zero() -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(n, 5, dtype=torch.float64) for n in (3, 7, 7))
    scores = torch.cat([q @ k.mT / 5**0.5, torch.zeros(3, 1, dtype=torch.float64)], 1)
    assert torch.allclose(retrieve(q, k, v, all_(3, 7)), scores.softmax(-1)[:, :7] @ v, atol=1e-12)
    assert bool(retrieve(q, 1e6 * k, v, all_(3, 7)).isfinite().all())


@pytest.mark.parametrize("steps", [1, 3])
def test_the_layer_is_the_formula(steps: int) -> None:
    torch.manual_seed(0)
    layer = OutlierEfficientHopfield(6, heads=2, conv=0, steps=steps).double()
    x = torch.randn(1, 9, 6, dtype=torch.float64)
    q, k, v = (p(x).view(9, 2, 3) for p in layer.qkv.project)
    out = []
    for t in range(9):
        for h in range(2):
            at = q[t, h]
            for _ in range(steps):
                e = (k[: t + 1, h] @ at / 3**0.5).exp()
                weights = e / (1 + e.sum())
                at = weights @ k[: t + 1, h]
            out.append(weights @ v[: t + 1, h])
    assert torch.allclose(layer(x)[0], layer.out(torch.stack(out).view(1, 9, 6)), atol=1e-12)


def test_one_step_is_attention_as_of_torch_with_a_zero_added() -> None:
    torch.manual_seed(0)
    layer = OutlierEfficientHopfield(6, heads=2, conv=0).double()
    peer = torch.nn.MultiheadAttention(6, 2, bias=False, add_zero_attn=True, batch_first=True).double()
    with torch.no_grad():
        peer.in_proj_weight.copy_(torch.cat([p.weight for p in layer.qkv.project]))
        peer.out_proj.weight.copy_(layer.out.weight)
    x, later = torch.randn(2, 9, 6, dtype=torch.float64), ~torch.ones(9, 9, dtype=torch.bool).tril()
    assert torch.allclose(layer(x)[0], peer(x, x, x, attn_mask=later)[0], rtol=0, atol=1e-12)
    without = torch.nn.MultiheadAttention(6, 2, bias=False, batch_first=True).double()
    without.load_state_dict(peer.state_dict())
    assert not torch.allclose(layer(x)[0], without(x, x, x, attn_mask=later)[0], rtol=0, atol=1e-2)


def test_more_steps_clean_a_noisy_pattern() -> None:
    torch.manual_seed(0)
    patterns = 6 * torch.nn.functional.normalize(torch.randn(5, 16, dtype=torch.float64), dim=-1)
    at, stored = patterns[:1] + 0.5 * torch.randn(1, 16, dtype=torch.float64), all_(1, 5)
    off = float((at - patterns[0]).norm())
    for _ in range(3):
        at = retrieve(at, patterns, patterns, stored)
    assert float((at - patterns[0]).norm()) < off / 10


def test_no_steps_are_refused() -> None:
    with pytest.raises(BadConfig, match="steps"):
        OutlierEfficientHopfield(4, steps=0)
