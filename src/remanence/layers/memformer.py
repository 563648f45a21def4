"""Slots that are read by every token and written by slot attention, each slot for itself.

Source:  "Memformer: A Memory-Augmented Transformer for Sequence Modeling", Wu, Lan, Qian, Gu, Geramifard, Yu 2020
         (arXiv 2010.06891).
Idea:    a slot looks at itself and at the segment, and never at other slots, so that slots stay apart; a small bias is
         added before it is brought back to length 1, which lets what is not renewed fade towards that bias.
Cost:    T M read and write attention a segment; M D numbers of state.
Differs: around a decoder instead of an encoder, so every layer's read comes before its self-attention; one head
         writes. Memory replay backpropagation is the runner's bptt="replay", for this and every other memory.

Before layer l every token reads; what leaves the last layer, X, is written:

    x <- x + CrossAttention(norm x, M)
    m' = softmax([q_m·k_m ; q_m·K_X] / (√D τ)) [m ; V_X]     m <- (m' + b) / |m' + b|     m = b / |b| at first

Shapes: B batch, T tokens, M slots, D width.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.segment import Context, SegmentMemory, SegmentOut
from remanence.layers.contract.state import State
from remanence.layers.parts.cross_attention import CrossAttention


@dataclass(frozen=True)
class Slots(State):
    m: Tensor  # [B, M, D], each of length 1


class Memformer(SegmentMemory[Slots]):
    """A `temperature` under 1 makes a slot keep to itself or to few tokens."""

    def __init__(self, width: int, depth: int, slots: int = 16, heads: int = 1, temperature: float = 0.25) -> None:
        super().__init__(width, depth)
        if slots < 1 or temperature <= 0:
            raise BadConfig(f"slots must be at least 1 and temperature over 0, got {slots} and {temperature}")
        self.scale = width**-0.5 / temperature
        self.bias = nn.Parameter(torch.randn(slots, width) * width**-0.5)
        self.reads = nn.ModuleList(CrossAttention(width, heads) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.q, self.k, self.v = (nn.Linear(width, width, bias=False) for _ in range(3))

    def init_state(self, batch: int) -> Slots:
        return Slots(F.normalize(self.bias, dim=-1).expand(batch, -1, -1))

    def read(self, segment: Tensor, state: Slots) -> Context:
        def enter(i: int, x: Tensor) -> Tensor:
            read: Tensor = x + self.reads[i](self.norms[i](x), state.m)
            return read

        return Context(enter=enter)

    def write(self, out: SegmentOut, state: Slots) -> Slots:
        m, x = state.m, self.norm(out.segment(self.depth))
        q = self.q(m) * self.scale
        own = (q * self.k(m)).sum(-1, keepdim=True)  # [B, M, 1]
        to_itself, to_tokens = torch.cat([own, q @ self.k(x).mT], -1).softmax(-1).tensor_split([1], -1)
        return Slots(self.forget(to_itself * m + to_tokens @ self.v(x)))

    def forget(self, m: Tensor) -> Tensor:
        """Biased memory normalisation."""
        return F.normalize(m + self.bias, dim=-1)
