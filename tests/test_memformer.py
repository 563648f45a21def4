"""Each slot looks at itself and the segment, at no other slot, and fades towards its bias where nothing renews it."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.contract.segment import SegmentRunner  # noqa: E402
from remanence.layers.lm.decoder import Decoder  # noqa: E402
from remanence.layers.memformer import Memformer  # noqa: E402
from remanence.layers.transformer_xl import TransformerXL  # noqa: E402

torch.set_num_threads(1)
SEGMENT = 5


def around(memory: torch.nn.Module) -> SegmentRunner:
    torch.manual_seed(0)
    model = Decoder(11, 8, 2).double()
    for p in [*model.parameters(), *memory.double().parameters()]:
        if p.dim() > 1:
            torch.nn.init.normal_(p, std=0.5)
    return SegmentRunner(model, memory, SEGMENT)


@torch.no_grad()
def test_it_is_the_formula_slot_by_slot() -> None:
    """If slots saw one another, as the memory tokens of RMT do, the sums would differ."""
    run = around(Memformer(8, 2, slots=3, temperature=0.5))
    ids, memory = torch.randint(11, (1, 3 * SEGMENT)), run.memory
    m, out = memory.bias / memory.bias.norm(dim=1, keepdim=True), []
    for piece in ids.split(SEGMENT, 1):
        x = run.backbone.embed(piece)
        for i in range(2):
            looks = memory.norms[i](x) @ memory.reads[i].q.weight.T @ (m @ memory.reads[i].k.weight.T).T / 8**0.5
            x = x + looks.softmax(-1) @ m @ memory.reads[i].v.weight.T @ memory.reads[i].out.weight.T
            x = run.backbone.layer(i, x, None)
        out.append(run.backbone.head(x))
        tokens, slots = memory.norm(x[0]), []
        for slot, bias in zip(m, memory.bias, strict=True):
            keys = torch.stack([slot, *tokens]) @ memory.k.weight.T
            weights = (keys @ (memory.q.weight @ slot) / (8**0.5 * 0.5)).softmax(0)
            new = weights @ torch.stack([slot, *(tokens @ memory.v.weight.T)]) + bias
            slots.append(new / new.norm())
        m = torch.stack(slots)
    logits, state = run(ids)
    assert torch.allclose(logits, torch.cat(out, 1), atol=1e-10)
    assert torch.allclose(state.m[0], m, atol=1e-10)


def test_what_is_not_renewed_fades_towards_the_bias() -> None:
    """[1, 0] with a bias of [0, 3/4]: 4/5 of it after one segment, then 4/5 of [4/5, 3/5 + 3/4] and so on."""
    memory = Memformer(2, 1, slots=1)
    memory.bias.data = torch.tensor([[0.0, 0.75]])
    m = memory.forget(torch.tensor([[[1.0, 0.0]]]))
    assert m.flatten().tolist() == pytest.approx([0.8, 0.6])
    for _ in range(30):
        m = memory.forget(m)
    assert m.flatten().tolist() == pytest.approx([0, 1], abs=1e-4)


def test_it_remembers_where_cached_states_have_been_dropped() -> None:
    """Six segments back, with two layers: Transformer-XL (the nearest simpler memory) reaches two."""
    ids = torch.randint(11, (1, 7 * SEGMENT))
    other = ids.clone()
    other[:, :SEGMENT] = (ids[:, :SEGMENT] + 1) % 11

    def changed(run: SegmentRunner) -> float:
        return float((run(ids)[0] - run(other)[0])[:, -SEGMENT:].detach().abs().max())

    assert changed(around(Memformer(8, 2))) > 1e-9
    assert changed(around(TransformerXL(8, 2, tokens=SEGMENT))) == 0
