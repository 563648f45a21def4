"""It is its formula, and what is written in its context is gone once the convolution has passed it."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.gated_associative_memory import GatedAssociativeMemory  # noqa: E402
from remanence.layers.linear_attention import LinearAttention  # noqa: E402

torch.set_num_threads(1)


def test_the_layer_is_the_formula() -> None:
    torch.manual_seed(0)
    layer, x = GatedAssociativeMemory(5, patterns=7).double(), torch.randn(9, 5, dtype=torch.float64)
    w, near_only, out = layer.conv.weight[:, 0], [], []
    for t in range(9):
        near = sum(w[:, 2 - i] * x[t - i] for i in range(3) if t >= i)
        match = torch.stack([pattern @ x[t] for pattern in layer.bank]).exp()
        general = sum(m * pattern for m, pattern in zip(match / match.sum(), layer.bank, strict=True))
        gates = 1 / (1 + torch.exp(-layer.gates(x[t])))
        near_only.append(gates[:5] * near)
        out.append(gates[:5] * near + gates[5:] * general)
    assert torch.allclose(layer(x[None])[0][0], torch.stack(out), atol=1e-10)
    assert not torch.allclose(layer(x[None])[0][0], torch.stack(near_only), atol=1e-3)


def test_it_cannot_recall_what_was_written_in_context() -> None:
    """Two texts give a key different values: asked for the key, it says the same; a sum of outer products does not."""
    torch.manual_seed(0)
    key, one, other, filler = torch.randn(4, 6, dtype=torch.float64)

    def text(value: torch.Tensor) -> torch.Tensor:
        return torch.stack([key, value, *[filler] * 4, key])[None]

    layer = GatedAssociativeMemory(6).double()
    assert torch.equal(layer(text(one))[0][:, -1], layer(text(other))[0][:, -1])
    memory = LinearAttention(6, conv=2).double()
    assert not torch.allclose(memory(text(one))[0][:, -1], memory(text(other))[0][:, -1], atol=1e-3)


def test_a_bank_of_nothing_is_refused() -> None:
    with pytest.raises(BadConfig, match="patterns"):
        GatedAssociativeMemory(4, patterns=0)
