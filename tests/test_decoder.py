"""What enters the decoder is as large at any width: a memory of normalised states is neither drowned nor drowns it."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.lm.decoder import Decoder  # noqa: E402

torch.set_num_threads(1)


@pytest.mark.parametrize("width", [16, 256])
def test_it_starts_at_the_same_scale_at_any_width(width: int) -> None:
    torch.manual_seed(0)
    decoder = Decoder(200, width, 1)
    x = decoder.embed(torch.arange(200)[None])
    added, logits = decoder.layer(0, x, None) - x, decoder.head(x)
    assert 0.9 < float(x.detach().std()) < 1.1
    assert 0.2 < float(added.detach().std()) < 2
    assert 0.5 < float(logits.detach().std()) < 2
