"""What was written thins out and has no last day, in a pool that never grows."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.contract.segment import SegmentOut, SegmentRunner  # noqa: E402
from remanence.layers.lm.decoder import Decoder  # noqa: E402
from remanence.layers.memory_llm import MemoryLLM, staying  # noqa: E402
from remanence.layers.transformer_xl import TransformerXL  # noqa: E402

torch.set_num_threads(1)
SLOTS, NEW, SEGMENTS = 32, 4, 40


def ages(memory: torch.nn.Module, rows: int = 1) -> list[int]:
    """How many of what segment 0, 1, ... wrote is still there, when each writes its own number."""
    state = memory.init_state(rows)
    for t in range(SEGMENTS):
        same = (torch.full((rows, NEW, 1), float(t)),) * 2
        state = memory.write(SegmentOut(same, same, 0, 0), state)
    found = state.layers[0].flatten().tolist()
    return [found.count(float(t)) for t in range(SEGMENTS)]


def test_survivors_fall_by_the_same_share_each_time() -> None:
    """7/8 stay at each update: after 40 more than twice the pool was written, and a fifth of it is older than a queue
    of that size (Transformer-XL, the nearest simpler memory) could hold."""
    memory = MemoryLLM(1, 1, SLOTS, NEW)
    left = ages(memory)
    assert sum(left) == pytest.approx(SLOTS, abs=2)  # of what was there at first hardly anything is left
    assert left[-1] == NEW
    assert sum(left[:-8]) > 4
    assert sum(ages(TransformerXL(1, 1, SLOTS))[:-8]) == 0


def test_who_stays_is_drawn_evenly_anew_each_time_and_in_order() -> None:
    stay = staying(torch.arange(4000), 0, SLOTS, SLOTS - NEW)
    assert bool((stay.diff(dim=1) > 0).all())
    share = torch.zeros(SLOTS).index_add(0, stay.flatten(), torch.ones(stay.numel())) / 4000
    assert share.tolist() == pytest.approx([1 - NEW / SLOTS] * SLOTS, abs=0.025)
    both = (stay[:-1, :, None] == stay[1:, None]).any(-1).float().mean()  # of two draws in a row
    assert float(both) == pytest.approx(1 - NEW / SLOTS, abs=0.01)
    assert bool((staying(torch.arange(9), 1, SLOTS, 9) != staying(torch.arange(9), 0, SLOTS, 9)).any())


@torch.no_grad()
def test_a_segment_attends_to_the_pool_and_leaves_its_last_states_in_it() -> None:
    torch.manual_seed(0)
    model, memory = Decoder(11, 4, 2).double(), MemoryLLM(4, 2, slots=6, new=2).double()
    ids, pools, out = torch.randint(11, (1, 9)), list(memory.first), []
    for t, piece in enumerate(ids.split(3, 1)):
        x = model.embed(piece)
        for i in range(2):
            x = model.layer(i, x, pools[i][None])
            stay = staying(torch.tensor([t]), i, 6, 4)[0].tolist()
            pools[i] = torch.stack([*(pools[i][j] for j in stay), x[0, 1], x[0, 2]])
        out.append(model.head(x))
    logits, state = SegmentRunner(model, memory, 3)(ids)
    assert torch.allclose(logits, torch.cat(out, 1), atol=1e-12)
    assert all(torch.equal(got[0], want) for got, want in zip(state.layers, pools, strict=True))
    assert state.updates.tolist() == [3]
