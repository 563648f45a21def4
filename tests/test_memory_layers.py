"""What one layer writes into the pool another reads; layers of product keys without one know nothing of each other."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.memory_layers import MemoryLayers  # noqa: E402

torch.set_num_threads(1)


@torch.no_grad()
def test_it_is_the_formula_over_all_keys() -> None:
    torch.manual_seed(0)
    m, x = MemoryLayers(6, keys=5, heads=2, k=3, key_width=6).double(), torch.randn(1, 7, 6, dtype=torch.float64)
    p, want = m.memory, torch.zeros(7, 6, dtype=torch.float64)
    for t in range(7):
        v = torch.zeros(6, dtype=torch.float64)
        for h in range(2):
            q = p.norm(p.query.weight[6 * h : 6 * h + 6] @ x[0, t])
            scores = torch.stack([q[:3] @ a + q[3:] @ b for a in p.halves[h, 0] for b in p.halves[h, 1]])
            best = scores.argsort(descending=True)[:3]
            v += scores[best].softmax(0) @ p.values[best]
        g = m.gate.weight @ x[0, t]
        want[t] = m.out.weight @ (v * g / (1 + (-g).exp()))
    assert torch.allclose(m(x)[0], want, rtol=0, atol=1e-12)
    assert not torch.allclose(p(x)[0], want, atol=1e-2)  # the nearest simpler layer: product keys and no gate


@torch.no_grad()
def test_layers_that_share_a_pool_read_what_the_other_wrote() -> None:
    torch.manual_seed(0)
    first = MemoryLayers(8, keys=4, k=4).double()
    second, stranger = MemoryLayers(8, keys=4, k=4, pool=first).double(), MemoryLayers(8, keys=4, k=4).double()
    assert second.memory.values is first.memory.values
    assert second.memory.halves is not first.memory.halves
    both = torch.nn.ModuleList([first, second])
    alone = sum(p.numel() for p in first.parameters())
    assert sum(p.numel() for p in both.parameters()) == 2 * alone - 16 * 8  # values are there once
    x = torch.randn(1, 3, 8, dtype=torch.float64)
    before, apart = second(x), stranger(x)
    first.write(x[0], torch.randn(3, 8, dtype=torch.float64)).apply(first)
    assert float((second(x) - before).abs().max()) > 0.1
    assert torch.equal(stranger(x), apart)


@torch.no_grad()
def test_a_shut_gate_leaves_its_channel_as_it_is() -> None:
    torch.manual_seed(0)
    m, x = MemoryLayers(4, keys=4, k=2).double(), torch.randn(2, 4, dtype=torch.float64)
    m.gate.weight[1] = 0
    delta = m.write(x, torch.randn(2, 4, dtype=torch.float64))
    change = delta.changes["memory.values"]
    assert bool(change.isfinite().all())
    assert float(change[:, 1].abs().max()) < 1e-12 < float(change[:, 0].abs().max())


def test_a_pool_of_another_size_is_refused() -> None:
    with pytest.raises(BadConfig, match="pool"):
        MemoryLayers(8, keys=16, pool=MemoryLayers(8, keys=8))
