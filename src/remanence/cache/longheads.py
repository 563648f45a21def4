"""Each head reads its own few chunks, so that all heads together see far while none reads more than it was trained to.

Source:  "LongHeads: Multi-Head Attention is Secretly a Long Context Processor", Lu, Zhou, He, Zhao, Ji, Gui, Zhang,
         Huang 2024 (arXiv 2402.10685).
Idea:    a chunk is found by a key made of its keys, weighted by how they answer to what attention within the chunk
         comes to; each head takes the chunks whose products with its query are highest, and the first and last always:
             o = mean_t softmax(q_t K^T / sqrt(D)) V,   c = softmax(o K^T / sqrt(D)) K
Cost:    reads sinks + local + blocks * block tokens, whatever the length; one key a chunk to find it by.
Differs: keys stand in for the queries q_t of a chunk, which are not kept, and are not rotated; the query heads that
         share keys choose together, and so do queries of a prompt that are read together.

Shapes: B batch, H key-value heads, Q query heads, T queries, N chunks, D width.
"""

from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from remanence.cache.base import Base, Far
from remanence.cache.parts.blocks import tokens_of
from remanence.cache.parts.held import Held
from remanence.cache.parts.tokens import Tokens
from remanence.errors import BadConfig


@dataclass
class LongHeads(Base):
    blocks: int = 14  # chunks read beside the first and the last: 4096 tokens in all, what the paper's model knows
    block: int = 256  # tokens of a chunk (the paper's)
    sinks: int = field(default=256, kw_only=True)  # the first chunk
    found_by: Tokens | None = field(default=None, init=False, repr=False, compare=False)  # [B, H, N, D]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.blocks < 0 or self.block < 1:
            raise BadConfig(f"blocks >= 0 and block >= 1 must hold, got {self.blocks} and {self.block}")

    @property
    def budget(self) -> int:
        return self.blocks * self.block + self.block - 1  # what does not fill a chunk yet is read besides

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        n = (end - start) // self.block
        self._grow(held, start, n)
        assert self.found_by is not None
        q = query.unflatten(1, (self.found_by.data.shape[1], -1)).mean((2, 3))  # [B, H, D]
        scores = (self.found_by.span(0, n) @ q[..., None])[..., 0]
        best = scores.topk(min(self.blocks, n), -1).indices.sort(-1).values
        return Far(tokens_of(best, start, self.block), start + n * self.block, whole=True)

    def _grow(self, held: Held, start: int, n: int) -> None:
        """Make what finds the first n chunks, where it is not made yet."""
        self.found_by = Tokens.like(held.k.span(0, 0)) if self.found_by is None else self.found_by
        known = len(self.found_by)
        if n > known:
            span = start + known * self.block, start + n * self.block
            k, v = (x.span(*span).unflatten(2, (n - known, self.block)) for x in (held.k, held.v))
            o = F.scaled_dot_product_attention(k, k, v).mean(3, keepdim=True)  # [B, H, n, 1, D]
            self.found_by.append(F.scaled_dot_product_attention(o, k, k)[:, :, :, 0])
