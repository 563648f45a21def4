"""A cache of tokens kept by a gated recurrent unit, attended to beside the segment.

Source:  "Cached Transformers: Improving Transformers with Differentiable Memory Cache", Zhang, Ge, Wang, Wang, Luo 2023
         (arXiv 2312.12742), GRC attention.
Idea:    tokens of earlier segments are not dropped but folded into a few cached ones, which gates learn to keep, mix or
         overwrite; a number for each head weighs the cache against the segment.
Cost:    O(T (S + M)) attention; state M rD numbers, and the tokens of an open segment.
Differs: the cache is each sequence's own and read before the segment goes into it: the released code has one for the
         model, averages it over the batch, and lets tokens attend to a cache with themselves in it. Pooling is a mean
         of neighbours. Causal attention, and heads normalised, as in the other cells.

    y = σ(λ) softmax(Q K_Cᵀ / √K) V_C + (1 - σ(λ)) softmax(Q Kᵀ / √K) V          K_C and V_C from the cache C
    u = σ(W_u [x̄; C])     r = σ(W_r [x̄; C])     C <- (1 - u) ⊙ C + u ⊙ W_c [x̄; r ⊙ C]

x̄ is the segment at the width rD, with every S / M tokens pooled to one.

Shapes: B batch, H heads, T tokens, S tokens of a segment, M tokens of the cache, D width, r share of it, K head.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.state import State
from remanence.layers.parts.qkv import QKV, Convs, Out, head_width
from remanence.layers.parts.segmented import SegmentedCell, looks_back


@dataclass(frozen=True)
class Cached(State):
    c: Tensor  # [B, M, rD]
    convs: Convs


class CachedTransformer(SegmentedCell[Cached]):
    def __init__(
        self, width: int, heads: int = 1, segment: int = 16, tokens: int = 8, share: float = 0.5, conv: int = 4
    ) -> None:
        super().__init__(width, segment)
        if tokens < 1 or segment % tokens:
            raise BadConfig(f"tokens must divide the segment, got {tokens} for a segment of {segment}")
        if not 0 < share <= 1 or not (narrow := int(share * width)):
            raise BadConfig(f"share must be in (0, 1] and leave a width, got {share} of {width}")
        self.tokens = tokens
        self.head = head_width(width, heads)
        self.qkv = QKV(width, heads, self.head, self.head, conv)
        self.cache_k, self.cache_v = nn.Linear(narrow, width, bias=False), nn.Linear(narrow, width, bias=False)
        self.narrow = nn.Linear(width, narrow, bias=False)
        self.update, self.reset, self.candidate = (nn.Linear(2 * narrow, narrow) for _ in range(3))
        self.balance = nn.Parameter(torch.zeros(heads))  # λ
        self.out = Out(width, heads, self.head)

    def first(self, batch: int) -> Cached:
        return Cached(self.like.new_zeros(batch, self.tokens, self.narrow.out_features), self.qkv.init_state(batch))

    def segment(self, x: Tensor, real: Tensor, memory: Cached) -> tuple[Tensor, Cached]:
        q, k, v, convs = self.qkv(x, memory.convs)
        old_k, old_v = (
            f(memory.c).unflatten(2, (self.qkv.heads, -1)).transpose(1, 2) for f in (self.cache_k, self.cache_v)
        )
        cached = F.scaled_dot_product_attention(q, old_k, old_v)
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=looks_back(real))
        share = self.balance.sigmoid()[:, None, None]
        y = self.out(share * cached + (1 - share) * seen)
        return y, memory if x.shape[1] < self.grain else Cached(self._next(x, real, memory.c), convs)

    def _next(self, x: Tensor, real: Tensor, c: Tensor) -> Tensor:
        """The cache after a full segment; where that is padding, as it was."""
        held = real[..., None].unflatten(1, (self.tokens, -1)).to(x)  # [B, M, S / M, 1]
        pooled = (self.narrow(x).unflatten(1, (self.tokens, -1)) * held).sum(2) / held.sum(2).clamp(min=1)
        both = torch.cat([pooled, c], -1)
        u, r = self.update(both).sigmoid() * held.amax(2), self.reset(both).sigmoid()
        after: Tensor = (1 - u) * c + u * self.candidate(torch.cat([pooled, r * c], -1))
        return after
