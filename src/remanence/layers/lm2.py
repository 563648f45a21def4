"""A bank of slots beside every layer, read by cross-attention and written through gates.

Source:  "LM2: Large Memory Models", Kang, Wu, Christianos, Chan, Greenlee, Thomas, Purtorab, Toulis 2025
         (arXiv 2502.06049).
Idea:    what tokens find in memory is added to the stream through an output gate; input and forget gates, as in an
         LSTM, decide what of a segment goes into the slots.
Cost:    T N attention a layer, for reading and for writing; L N D numbers of state.
Differs: the paper adds what T tokens found to N slots, which fits for T = N alone: here a slot takes the mean over the
         tokens, weighted by how they attend to it. A token's gates are its own: the released code gates with the mean
         of the segment, so that tokens see later ones. A slot is a learned vector at first, and no identity matrix;
         the read comes before the layer's self-attention, without top-k.

With E what comes to the layer, normalised, and M its slots:

    F = softmax(E W_q (M W_k)ᵀ / √D) M W_v           x <- x + σ(F W_out) ⊙ F
    M <- W^T (σ(E W_in) ⊙ tanh F) + W^T σ(F W_forget) ⊙ M     W: the attention, each slot's weights summing to 1

Shapes: B batch, T tokens, N slots, D width, L layers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.segment import Context, SegmentMemory, SegmentOut
from remanence.layers.contract.state import State


@dataclass(frozen=True)
class Bank(State):
    layers: tuple[Tensor, ...]  # L times [B, N, D]


class Gated(nn.Module):
    """Reads and writes of one layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.q, self.k, self.v = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.gate_out, self.gate_in, self.gate_forget = (nn.Linear(width, width, bias=False) for _ in range(3))

    def find(self, x: Tensor, m: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, T, D], normalised -> what each token finds in m [B, N, D], and its attention [B, T, N]."""
        attention = (self.q(x) @ self.k(m).mT * x.shape[-1] ** -0.5).softmax(-1)
        return attention @ self.v(m), attention

    def read(self, x: Tensor, m: Tensor) -> Tensor:
        found, _ = self.find(self.norm(x), m)
        read: Tensor = x + self.gate_out(found).sigmoid() * found
        return read

    def write(self, x: Tensor, m: Tensor) -> Tensor:
        x = self.norm(x)
        found, attention = self.find(x, m)
        share = (attention / attention.sum(1, keepdim=True)).mT  # [B, N, T]
        new = self.gate_in(x).sigmoid() * found.tanh()
        after: Tensor = share @ new + share @ self.gate_forget(found).sigmoid() * m
        return after


class LM2(SegmentMemory[Bank]):
    def __init__(self, width: int, depth: int, slots: int = 16) -> None:
        super().__init__(width, depth)
        if slots < 1:
            raise BadConfig(f"slots must be at least 1, got {slots}")
        self.first = nn.ParameterList(torch.randn(slots, width) for _ in range(depth))
        self.layers = nn.ModuleList(Gated(width) for _ in range(depth))

    @property
    def banks(self) -> Iterable[Gated]:
        return (layer for layer in self.layers if isinstance(layer, Gated))

    def init_state(self, batch: int) -> Bank:
        return Bank(tuple(m.expand(batch, -1, -1) for m in self.first))

    def read(self, segment: Tensor, state: Bank) -> Context:
        reads = list(zip(self.banks, state.layers, strict=True))

        def enter(i: int, x: Tensor) -> Tensor:
            layer, m = reads[i]
            return layer.read(x, m)

        return Context(enter=enter)

    def write(self, out: SegmentOut, state: Bank) -> Bank:
        each = zip(self.banks, state.layers, strict=True)
        return Bank(tuple(layer.write(out.unread(i), m) for i, (layer, m) in enumerate(each)))
