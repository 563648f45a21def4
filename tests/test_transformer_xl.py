"""What it looks back at is what entered each layer: within reach exactly full attention, out of reach nothing."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.contract.segment import SegmentRunner  # noqa: E402
from remanence.layers.lm.decoder import Decoder  # noqa: E402
from remanence.layers.transformer_xl import TransformerXL  # noqa: E402

torch.set_num_threads(1)
SEGMENT = 5


def run(tokens: int, depth: int) -> SegmentRunner:
    torch.manual_seed(0)
    backbone = Decoder(11, 8, depth).double()
    for p in backbone.parameters():
        if p.dim() > 1:
            torch.nn.init.normal_(p, std=0.5)
    return SegmentRunner(backbone, TransformerXL(8, depth, tokens).double(), SEGMENT)


def test_with_room_for_all_it_is_the_model_without_segments() -> None:
    ids = torch.randint(11, (2, 4 * SEGMENT))
    segmented = run(100, depth=3)
    x = segmented.backbone.embed(ids)
    for i in range(3):
        x = segmented.backbone.layer(i, x, None)
    assert torch.allclose(segmented(ids)[0], segmented.backbone.head(x), atol=1e-10)


@pytest.mark.parametrize(("back", "reached"), [(2, True), (3, False)])
def test_it_reaches_as_many_segments_back_as_it_has_layers(back: int, reached: bool) -> None:
    """The states of the last segment only, in two layers; one without memory reaches none."""
    ids = torch.randint(11, (1, 5 * SEGMENT))
    other = ids.clone()
    other[:, : SEGMENT * (5 - back)] = (ids[:, : SEGMENT * (5 - back)] + 1) % 11
    other[:, : SEGMENT * (4 - back)] = ids[:, : SEGMENT * (4 - back)]
    segmented = run(SEGMENT, depth=2)
    changed = float((segmented(ids)[0] - segmented(other)[0])[:, -SEGMENT:].detach().abs().max())
    assert (changed > 1e-9) is reached


def test_it_holds_the_last_tokens_and_no_more() -> None:
    _, state = run(7, depth=2)(torch.randint(11, (1, 3 * SEGMENT)))
    assert [x.shape[1] for x in state.layers] == [7, 7]
