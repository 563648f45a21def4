"""Some layers look up the nearest keys of all the past, and a gate weighs what they find against the near past.

Source:  "Memorizing Transformers", Wu, Rabe, Hutchins, Szegedy 2022 (arXiv 2203.08913).
Idea:    two softmaxes, one over the k nearest neighbours of the query in memory, one over the near past, and for each
         head how much it trusts the memory:   A = g A_memory + (1 - g) A_local,   g = sigmoid(b)
Cost:    a product of each query with every key held, or, with `blocks`, with those of the most promising blocks; reads
         sinks + local + k tokens for each query.
Differs: b is a setting, not learned, and the model was not trained with its memory, so not every layer bears one. Keys
         and queries are not normalised, memory lies at distance `local`, and the sinks count as near.

Shapes: B batch, H key-value heads, Q query heads, T queries, C candidates, R tokens read, D width.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from remanence.cache.base import Base, Far, Positions
from remanence.cache.parts.asked import asked, nearest, products, without_padding
from remanence.cache.parts.attend import Read, attend
from remanence.cache.parts.blocks import bound, grow, tokens_of
from remanence.cache.parts.held import Held
from remanence.cache.parts.tokens import Tokens
from remanence.errors import BadConfig

BLOCK = 32  # tokens


@dataclass
class MemorizingTransformer(Base):
    k: int = 32  # neighbours of each query and head (the paper's)
    bias: float | Sequence[float] = 0.0  # b, of all query heads or of each
    layers: Sequence[int] | None = None  # that look up; None: one at three quarters of the depth, as in the paper
    blocks: int | None = None  # of BLOCK tokens, that are searched for each key-value head; None: all, exactly
    chunk: int = field(default=128, kw_only=True)  # each query chooses for itself, and so many at once
    positions: Positions = field(default="fixed", kw_only=True)
    bounds: Tokens | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k < 0 or (self.blocks is not None and self.blocks < 1):
            raise BadConfig(f"k >= 0 and blocks >= 1 must hold, got {self.k} and {self.blocks}")

    @property
    def budget(self) -> int:
        return self.k

    def covers(self, tokens: int) -> bool:
        return tokens <= self.sinks + self.local  # beyond, even k tokens are read through the gate

    def on(self, layer: int, layers: int) -> Base:
        those = ((3 * layers + 3) // 4 - 1,) if self.layers is None else self.layers  # the ninth of twelve
        for i in those:
            if not 0 <= i < layers:
                raise BadConfig(f"layers must be in [0, {layers}), got {i}")
        return self.fresh() if layer in those else replace(self, k=0)

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        if not self.k:
            return Far.span(end, end, query.device)
        tokens, keys = self._candidates(held, query, start, end)
        scores = without_padding(products(query, keys), held, tokens)
        return asked(nearest(scores, self.k), tokens, end)

    def _candidates(self, held: Held, query: Tensor, start: int, end: int) -> tuple[Tensor, Tensor]:
        """[B or 1, H, C] and [B, H, C, D]: the tokens searched and their keys."""
        heads, n = held.k.data.shape[1], (end - start) // BLOCK
        if self.blocks is None or n <= self.blocks:
            return torch.arange(start, end, device=query.device).expand(1, heads, -1), held.k.span(start, end)
        self.bounds = grow(self.bounds, held, start, end, BLOCK)
        best = bound(query, self.bounds.span(0, n)).topk(self.blocks, -1).indices.sort(-1).values
        rest = torch.arange(start + n * BLOCK, end, device=query.device)  # of the block that is not whole yet
        tokens = tokens_of(best, start, BLOCK)
        tokens = torch.cat([tokens, rest.expand(*tokens.shape[:2], -1)], 2)
        return tokens, held.k.take(tokens)

    def attend(self, read: Read, held: Held) -> Tensor:
        if read.far <= self.sinks:
            return attend(read)
        columns = torch.arange(read.keys.shape[2], device=read.keys.device)
        remembered = (columns >= self.sinks) & (columns < read.far)
        local, memory = _of(read, columns[~remembered]), _of(read, columns[remembered])
        g = torch.as_tensor(self.bias, dtype=torch.float32, device=read.query.device).sigmoid().to(read.query.dtype)
        if g.dim() and len(g) != read.query.shape[1]:
            raise BadConfig(f"bias must be one number or one for each of {read.query.shape[1]} heads, got {len(g)}")
        g = g.view(1, -1, 1, 1)
        if memory.mask is not None:  # a query that found nothing is answered by the near past alone
            found = memory.mask.any(-1, keepdim=True)
            g, memory = g * found, replace(memory, mask=memory.mask | ~found)
        return g * attend(memory) + (1 - g) * attend(local)


def _of(read: Read, columns: Tensor) -> Read:
    """Of what is read these columns only."""
    mask = None if read.mask is None else read.mask[..., columns]
    return replace(read, keys=read.keys[:, :, columns], values=read.values[:, :, columns], mask=mask, causal=False)
