"""Keys that are alike answer each with its own value, whether written at once or one by one; a sum of outer products
mixes them, and the delta rule disturbs the first with the second."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig, BadInput  # noqa: E402
from remanence.layers.larimar import Larimar, block, remove, step  # noqa: E402
from remanence.layers.parts.delta_rule import delta_rule  # noqa: E402
from remanence.layers.parts.linear_scan import linear_scan  # noqa: E402

torch.set_num_threads(1)
TINY = 1e-8


def story() -> tuple[torch.Tensor, ...]:
    """Three addresses of four slots, at sharp angles; what is at each; and a memory that holds something else."""
    torch.manual_seed(0)
    w = torch.tensor([[1.0, 0, 0, 0], [0.8, 0.6, 0, 0], [0.6, 0.8, 0.5, 0]], dtype=torch.float64)[None, None]
    m = torch.randn(1, 1, 4, 2, dtype=torch.float64)
    return w, torch.randn(1, 1, 3, 2, dtype=torch.float64), m, torch.eye(4, dtype=torch.float64)[None, None]


def test_what_is_alike_is_told_apart() -> None:
    w, v, m, u = story()
    _, after, _ = block(w, w, v, m, u, TINY)
    assert torch.allclose(w @ after, v, atol=1e-6)
    zero = torch.zeros_like(m)
    _, summed = linear_scan(w, w, v, zero, "chunk", 3)  # the nearest simpler memory
    assert float((w @ summed - v).abs().max()) > 0.5
    _, delta = delta_rule(w, w, v, torch.ones(1, 1, 3, dtype=torch.float64), None, zero, "chunk", 3)
    assert float((w @ delta - v).abs().max()) > 0.1


@pytest.mark.parametrize("noise", [TINY, 0.1])
def test_at_once_one_by_one_and_in_closed_form_are_the_same(noise: float) -> None:
    w, v, m, u = story()
    y, once, sure = block(w, w, v, m, u, noise)
    one, after = m, u
    for i in range(3):
        at = (w[:, :, i : i + 1], v[:, :, i : i + 1])
        read, one, after = step(at[0], *at, one, after, noise)
        assert torch.allclose(read, y[:, :, i : i + 1], atol=1e-6)
    assert torch.allclose(one, once, atol=1e-6)
    assert torch.allclose(after, sure, atol=1e-6)
    a, b = w[0, 0], v[0, 0]
    precision = a.T @ a / noise + torch.eye(4, dtype=torch.float64)
    closed = torch.linalg.solve(precision, a.T @ b / noise + m[0, 0])
    assert torch.allclose(once[0, 0], closed, atol=1e-6)
    assert torch.allclose(sure[0, 0], torch.linalg.inv(precision), atol=1e-6)


def test_what_is_removed_was_never_there() -> None:
    w, v, m, u = story()
    _, all_, sure = block(w, w, v, m, u, 0.1)
    left, unsure = remove(w[:, :, 1:2], v[:, :, 1:2], all_, sure, 0.1)
    others = [0, 2]
    _, without, never = block(w[:, :, others], w[:, :, others], v[:, :, others], m, u, 0.1)
    assert torch.allclose(left, without, rtol=0, atol=1e-10)
    assert torch.allclose(unsure, never, rtol=0, atol=1e-10)
    with pytest.raises(BadInput, match="never written"):
        remove(w, v, m, u, 0.1)


@torch.no_grad()
def test_a_passage_is_forgotten_wherever_it_was_read() -> None:
    torch.manual_seed(0)
    layer = Larimar(6, heads=2, conv=0, block_size=4).double()
    a, b, c = torch.randn(3, 2, 5, 6, dtype=torch.float64)
    _, first = layer(a)
    _, second = layer(b, first)
    _, third = layer(c, second)
    left = layer.forget(b, first, third)
    _, without = layer(c, first)
    assert torch.allclose(left.m, without.m, rtol=0, atol=1e-10)
    assert not torch.allclose(third.m, without.m, atol=1e-2)


@torch.no_grad()
def test_the_layer_is_the_formula() -> None:
    torch.manual_seed(0)
    layer = Larimar(6, heads=2, slots=2, conv=0).double()
    x = torch.randn(1, 7, 6, dtype=torch.float64)
    q, k, v = (p(x).view(7, 2, 3) for p in layer.qkv.project)
    out = []
    for t in range(7):
        heads = []
        for h in range(2):
            m = layer.prior[h]
            address = m.T @ torch.linalg.inv(m @ m.T + 0.1 * torch.eye(2).double())
            w = (k[: t + 1, h] / k[: t + 1, h].norm(dim=-1, keepdim=True)) @ address
            best = torch.linalg.solve(w.T @ w / 0.1 + torch.eye(2).double(), w.T @ v[: t + 1, h] / 0.1 + m)
            heads.append(layer.out.norm(q[t, h] / q[t, h].norm() @ address @ best))
        out.append(torch.cat(heads))
    assert torch.allclose(layer(x)[0][0], layer.out.project(torch.stack(out)), rtol=0, atol=1e-10)


@torch.no_grad()
def test_slots_that_are_nearly_alike_do_not_break_it() -> None:
    """As training can make them: with the bare pseudo-inverse addresses are ten thousand long."""
    torch.manual_seed(0)
    layer = Larimar(16, conv=0)
    layer.prior[0, 1] = layer.prior[0, 0] + 1e-4 * layer.prior[0, 1]
    y, state = layer(torch.randn(2, 200, 16))
    slow, _ = layer(torch.randn(2, 200, 16), form="recurrent")
    assert bool(y.isfinite().all() and slow.isfinite().all())
    assert float(torch.linalg.eigvalsh(state.u).min()) > 0


@pytest.mark.parametrize("settings", [{"slots": 9}, {"slots": 0}, {"noise": 0.0}, {"heads": 3}])
def test_what_cannot_be_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(BadConfig):
        Larimar(8, **settings)
