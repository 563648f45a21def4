"""One slot is written at a time: an empty one is replaced, and once there is none the oldest is blended."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.contract.segment import SegmentRunner  # noqa: E402
from remanence.layers.elmur import ELMUR  # noqa: E402
from remanence.layers.lm.decoder import Decoder  # noqa: E402
from remanence.layers.rmt import RMT  # noqa: E402

torch.set_num_threads(1)
SEGMENT = 5


def around(memory: torch.nn.Module) -> SegmentRunner:
    torch.manual_seed(0)
    model = Decoder(11, 4, 2).double()
    for p in [*model.parameters(), *memory.double().parameters()]:
        torch.nn.init.normal_(p, std=0.6)
    return SegmentRunner(model, memory, SEGMENT)


def look(track: torch.nn.Module, x: torch.Tensor, seen: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """One vector's cross-attention."""
    weights = ((seen @ track.k.weight.T) @ (track.q.weight @ x) / 2 + bias).softmax(0)
    return track.out.weight @ (weights @ (seen @ track.v.weight.T))


@torch.no_grad()
def test_it_is_the_formula_with_two_slots_and_five_segments() -> None:
    run, ids, out = around(ELMUR(4, 2, slots=2, blend=0.3, reach=9)), torch.randint(11, (1, 5 * SEGMENT)), []
    memory = run.memory
    slots, written = [list(m) for m in memory.first], [-1, -1]
    for n, piece in enumerate(ids.split(SEGMENT, 1)):
        x, places, j = run.backbone.embed(piece)[0], range(n * SEGMENT, (n + 1) * SEGMENT), n % 2
        far = torch.tensor([[min(8, t - p) for p in written] for t in places])
        for i, layer in enumerate(memory.tracks):
            m = torch.stack(slots[i])
            looks = [
                look(layer.to_tokens, layer.read_norm(token), m, layer.bias_read[0, d])
                for token, d in zip(x, far, strict=True)
            ]
            x = run.backbone.layer(i, (x + torch.stack(looks))[None], None)[0]
            u = m[j] + look(layer.to_slots, layer.slot_norm(m[j]), layer.token_norm(x), layer.bias_write[0, far[:, j]])
            u = u + layer.down(torch.nn.functional.gelu(layer.up(layer.norm(u))))
            slots[i][j] = u if n < 2 else 0.3 * u + 0.7 * m[j]
        written[j] = places[-1]
        out.append(run.backbone.head(x[None]))
    logits, state = run(ids)
    assert torch.allclose(logits, torch.cat(out, 1), atol=1e-10)
    assert all(torch.allclose(got[0], torch.stack(m), atol=1e-10) for got, m in zip(state.layers, slots, strict=True))
    assert state.written.tolist() == [written]


@torch.no_grad()
def test_other_slots_stay_as_they_are() -> None:
    """Bit for bit; of memory tokens (RMT, the nearest simpler memory) none does."""
    run, ids = around(ELMUR(4, 2, slots=3)), torch.randint(11, (1, 6 * SEGMENT))
    _, before = run(ids[:, : 4 * SEGMENT])
    _, after = run(ids[:, 4 * SEGMENT : 5 * SEGMENT], before)
    same = (before.layers[1] == after.layers[1]).all(-1)[0]
    assert same.tolist() == [True, False, True]  # the fourth segment wrote slot 0 once more, the fifth slot 1
    rmt = around(RMT(4, 2, tokens=3))
    _, first = rmt(ids[:, : 4 * SEGMENT])
    _, second = rmt(ids[:, 4 * SEGMENT : 5 * SEGMENT], first)
    assert not bool((first.m == second.m).all(-1).any())
