"""Softmax attention within a segment, and a matrix for all segments before it, in the same head.

Source:  "Leave No Context Behind: Efficient Infinite Context Transformers with Infini-attention", Munkhdalai, Faruqui,
         Gopal 2024 (arXiv 2404.07143).
Idea:    keys and values that attention is done with need not be thrown away: written into an associative matrix, they
         answer the same queries, and a gate for each head weighs what it remembers against what it sees.
Cost:    O(T S) attention and O(T K²) for the matrix; state H K (K + 1) numbers, and the tokens of an open segment.
Differs: no positions of its own; order comes from the short convolution, and heads are normalised, as in the other
         cells.

    y = σ(β) f(Q) M / (f(Q) z) + (1 - σ(β)) softmax(Q Kᵀ / √K) V     f = elu + 1; M and z of the segments before
    M <- M + f(K)ᵀ (V - f(K) M / (f(K) z))     z <- z + Σ f(k)        at the end of each segment

Where nothing was written yet, so that z is 0, nothing is read.

Shapes: B batch, H heads, T tokens, S tokens of a segment, K width of a head.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.layers.contract.state import State
from remanence.layers.parts.qkv import QKV, Convs, Out, head_width, unmasked
from remanence.layers.parts.segmented import SegmentedCell, looks_back


@dataclass(frozen=True)
class Compressed(State):
    m: Tensor  # [B, H, K, K]
    z: Tensor  # [B, H, K]
    convs: Convs


class InfiniAttention(SegmentedCell[Compressed]):
    def __init__(self, width: int, heads: int = 1, segment: int = 16, conv: int = 4) -> None:
        super().__init__(width, segment)
        self.head = head_width(width, heads)
        self.qkv = QKV(width, heads, self.head, self.head, conv)
        self.beta = nn.Parameter(torch.zeros(heads))  # remembers as much as it sees, at first
        self.out = Out(width, heads, self.head)

    def first(self, batch: int) -> Compressed:
        m = self.like.new_zeros(batch, self.qkv.heads, self.head, self.head)
        return Compressed(m, m[..., 0], self.qkv.init_state(batch))

    def segment(self, x: Tensor, real: Tensor, memory: Compressed) -> tuple[Tensor, Compressed]:
        q, k, v, convs = self.qkv(x, memory.convs)
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=looks_back(real))
        share = self.beta.sigmoid()[:, None, None]
        y = share * recall(positive(q), memory) + (1 - share) * seen
        k = positive(k)
        new = unmasked(v - recall(k, memory), real)
        z = memory.z + unmasked(k, real).sum(2)
        return self.out(y), Compressed(memory.m + k.mT @ new, z, convs)


def positive(x: Tensor) -> Tensor:
    return F.elu(x) + 1


def recall(phi: Tensor, memory: Compressed) -> Tensor:
    """phi [B, H, T, K] -> what the matrix answers [B, H, T, K]."""
    norm: Tensor = phi @ memory.z[..., None]
    return phi @ memory.m / norm.clamp(min=1e-6)  # not under what single precision can be divided by
