"""Details count in the chunks a token picks and nowhere else."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.contract.segment import SegmentRunner  # noqa: E402
from remanence.layers.hcam import HCAM, Recall  # noqa: E402
from remanence.layers.lm.decoder import Decoder  # noqa: E402
from remanence.layers.transformer_xl import TransformerXL  # noqa: E402

torch.set_num_threads(1)
SEGMENT = 5


@torch.no_grad()
def test_it_is_the_formula_token_by_token_and_chunk_by_chunk() -> None:
    torch.manual_seed(0)
    layer, x, chunks = Recall(4, 2, k=2).double(), torch.randn(2, 3, 4).double(), torch.randn(2, 5, 6, 4).double()
    real = torch.ones(2, 5, 6, dtype=torch.bool)
    real[:, 3, 4:] = False
    inside, want = layer.inside, torch.zeros_like(x)
    for b in range(2):
        held = [layer.chunk_norm(chunk[keep]) for chunk, keep in zip(chunks[b], real[b], strict=True)]
        for t in range(3):
            token = layer.norm(x[b, t])
            r = torch.stack([(layer.q.weight @ token) @ (layer.k.weight @ c.mean(0)) / 2 for c in held]).softmax(0)
            for i in r.argsort(descending=True)[:2].tolist():
                q, k, v = inside.q.weight @ token, held[i] @ inside.k.weight.T, held[i] @ inside.v.weight.T
                heads = [(k[:, h] @ q[h] / 2**0.5).softmax(0) @ v[:, h] for h in (slice(0, 2), slice(2, 4))]
                want[b, t] += r[i] * (inside.out.weight @ torch.cat(heads))
    assert torch.allclose(layer(x, chunks, real), want, atol=1e-12)


@torch.no_grad()
def test_a_detail_is_seen_where_the_chunk_is_picked_alone() -> None:
    """Details of all chunks but the picked one are changed and their summaries are not. Attention over the whole past
    (Transformer-XL with room for all, the nearest simpler memory) sees every change, as does k=N."""
    torch.manual_seed(0)
    layer, x, chunks = Recall(4, 1, k=1), torch.randn(1, 1, 4), torch.randn(1, 6, 4, 4)
    layer.chunk_norm = torch.nn.Identity()  # so that means stay what they are
    real, other = torch.ones(1, 6, 4, dtype=torch.bool), chunks.clone()
    other[:, :, ::2] += 2
    other[:, :, 1::2] -= 2
    picked = int(layer.relevance(layer.norm(x), chunks, real).argmax())
    other[:, picked] = chunks[:, picked]
    assert torch.allclose(layer(x, other, real), layer(x, chunks, real), atol=1e-6)
    layer.top = 6
    assert not torch.allclose(layer(x, other, real), layer(x, chunks, real), atol=1e-3)


def test_it_remembers_where_cached_states_have_been_dropped() -> None:
    """Six segments back, with two layers and one chunk picked; its last segment may be shorter."""
    torch.manual_seed(1)
    ids = torch.randint(11, (1, 7 * SEGMENT - 2))
    other = ids.clone()
    other[:, :SEGMENT] = (ids[:, :SEGMENT] + 1) % 11

    def changed(memory: torch.nn.Module) -> float:
        torch.manual_seed(0)
        run = SegmentRunner(Decoder(11, 8, 2), memory, SEGMENT)
        for p in run.backbone.parameters():
            torch.nn.init.normal_(p, std=0.5)
        return float((run(ids)[0] - run(other)[0])[:, -3:].detach().abs().max())

    assert changed(HCAM(8, 2, k=1)) > 1e-9
    assert changed(TransformerXL(8, 2, tokens=SEGMENT)) == 0


@torch.no_grad()
def test_the_oldest_chunks_go_first() -> None:
    torch.manual_seed(0)
    run, ids = SegmentRunner(Decoder(11, 8, 2), HCAM(8, 2, chunks=2), SEGMENT), torch.randint(11, (1, 4 * SEGMENT))
    _, state = run(ids)
    assert state.tokens.tolist() == [[SEGMENT, SEGMENT]]
    assert torch.equal(state.layers[0][0], run.backbone.embed(ids[0]).view(4, SEGMENT, 8)[2:])
