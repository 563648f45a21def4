"""What the model makes of the tokens after a segment is what it reads before the next, however many lie between."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.contract.segment import SegmentRunner  # noqa: E402
from remanence.layers.lm.decoder import Decoder  # noqa: E402
from remanence.layers.rmt import RMT  # noqa: E402
from remanence.layers.transformer_xl import TransformerXL  # noqa: E402

torch.set_num_threads(1)
SEGMENT = 5


def backbone() -> Decoder:
    torch.manual_seed(0)
    made = Decoder(11, 8, 2).double()
    for p in made.parameters():
        if p.dim() > 1:
            torch.nn.init.normal_(p, std=0.5)
    return made


def test_it_is_the_model_on_memory_segment_memory() -> None:
    model, memory = backbone(), RMT(8, 2, tokens=3).double()
    torch.nn.init.normal_(memory.norm.weight)
    ids = torch.randint(11, (1, 2 * SEGMENT))
    m, out = memory.first[None], []
    for piece in ids.split(SEGMENT, 1):
        x = torch.cat([m, model.embed(piece), m + memory.place], 1)
        for i in range(2):
            x = model.layer(i, x, None)
        out.append(model.head(x[:, 3:-3]))
        m = memory.norm(x[:, -3:])
    logits, state = SegmentRunner(model, memory, SEGMENT)(ids)
    assert torch.allclose(logits, torch.cat(out, 1), atol=1e-12)
    assert torch.allclose(state.m, m, atol=1e-12)


def test_it_remembers_where_cached_states_have_been_dropped() -> None:
    """Six segments back, with two layers: Transformer-XL (the nearest simpler memory) reaches two."""
    ids = torch.randint(11, (1, 7 * SEGMENT))
    other = ids.clone()
    other[:, :SEGMENT] = (ids[:, :SEGMENT] + 1) % 11

    def changed(memory: torch.nn.Module) -> float:
        run = SegmentRunner(backbone(), memory.double(), SEGMENT)
        return float((run(ids)[0] - run(other)[0])[:, -SEGMENT:].detach().abs().max())

    assert changed(RMT(8, 2)) > 1e-9
    assert changed(TransformerXL(8, 2, tokens=SEGMENT)) == 0
