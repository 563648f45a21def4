"""Slots change by what other slots hold; an LSTM for each slot, which sees itself and the input alone, does not."""

import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.relational_memory_core import RelationalMemoryCore, Slots  # noqa: E402

torch.set_num_threads(1)
D, H, N, T = 6, 2, 3, 5


def layer() -> RelationalMemoryCore:
    torch.manual_seed(0)
    return RelationalMemoryCore(D, slots=N, heads=H).double()


def by_hand(core: RelationalMemoryCore, x: torch.Tensor, *, alone: bool) -> torch.Tensor:
    """One slot after the other, one head after the other; `alone`, a slot attends to itself and the input."""
    m, h, out = torch.eye(N, D, dtype=x.dtype), torch.zeros(N, D, dtype=x.dtype), []
    for x_t in x:
        new_m, new_h = [], []
        for i in range(N):
            seen = torch.stack([*(m[i : i + 1] if alone else m), x_t])
            q, k, v = (core.q(m[i]).view(H, -1), core.k(seen).view(-1, H, D // H), core.v(seen).view(-1, H, D // H))
            found = [torch.softmax(k[:, j] @ q[j] / (D / H) ** 0.5, 0) @ v[:, j] for j in range(H)]
            a = F.layer_norm(m[i] + torch.cat(found), (D,))
            g = F.layer_norm(a + core.mlp(a), (D,))
            forget, write, show = (core.gate_x(x_t) + core.gate_h(h[i])).view(3, D)
            new_m.append(torch.sigmoid(forget + 1) * m[i] + torch.sigmoid(write) * g)
            new_h.append(torch.sigmoid(show) * torch.tanh(new_m[i]))
        m, h = torch.stack(new_m), torch.stack(new_h)
        out.append(core.out(h.flatten()))
    return torch.stack(out)


def test_the_layer_is_the_formula() -> None:
    core, x = layer(), torch.randn(T, D, dtype=torch.float64)
    assert torch.allclose(core(x[None])[0][0], by_hand(core, x, alone=False), atol=1e-10)
    assert not torch.allclose(core(x[None])[0][0], by_hand(core, x, alone=True), atol=1e-3)


def test_what_one_slot_holds_changes_the_others() -> None:
    core, x = layer(), torch.randn(1, 1, D, dtype=torch.float64)
    start = core.init_state(1)
    m = start.m.clone()
    m[0, 2] = torch.randn(D)
    _, state = core(x, start)
    _, other = core(x, Slots(m, start.h))
    assert bool(((state.m - other.m)[0, :2].abs().amax(-1) > 1e-4).all())


def test_slots_begin_apart_and_stay_so() -> None:
    """Were they alike at first, they would be alike for ever: each has the same weights."""
    core, x = layer(), torch.randn(1, T, D, dtype=torch.float64)
    same = torch.ones(1, N, D, dtype=torch.float64)
    _, alike = core(x, Slots(same, torch.zeros_like(same)))
    _, state = core(x)
    assert torch.allclose(alike.m[0, 0], alike.m[0, 1])
    assert not torch.allclose(state.m[0, 0], state.m[0, 1], atol=1e-3)


def test_no_slots_are_refused() -> None:
    with pytest.raises(BadConfig, match="slots"):
        RelationalMemoryCore(4, slots=0)
