"""The far past in blocks, of which a query reads those that could hold what it looks for.

Source:  "Quest: Query-Aware Sparsity for Efficient Long-Context LLM Inference", Tang et al. 2024 (arXiv 2406.10774),
         for the bound; "InfLLM", Xiao et al. 2024 (arXiv 2402.04617), for sinks, a window and blocks between.
Idea:    attention is sparse, so a few blocks chosen well stand for the whole past; a bound on the product of a query
         and any key of a block chooses without reading it, and a bound never overlooks a needle as a mean does.
Cost:    reads sinks + local + blocks * block tokens, whatever the length; the bounds are 1 / (2 block) of a cache in
         single precision.
Differs: bounds are of keys before rotation; queries that share a choice are averaged; all layers choose.
"""

from dataclasses import dataclass, field

from torch import Tensor

from remanence.cache.base import Base, Far
from remanence.cache.parts.blocks import bound, grow, tokens_of
from remanence.cache.parts.held import Held
from remanence.cache.parts.tokens import Tokens


@dataclass
class TopBlocks(Base):
    blocks: int = 32  # read, for each key-value head
    block: int = 32  # tokens
    bounds: Tokens | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def budget(self) -> int:
        return self.blocks * self.block + self.block - 1  # what does not fill a block yet is read besides

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        self.bounds = grow(self.bounds, held, start, end, self.block)
        n = (end - start) // self.block
        scores = bound(query, self.bounds.span(0, n))
        best = scores.topk(min(self.blocks, n), -1).indices.sort(-1).values
        return Far(tokens_of(best, start, self.block), start + n * self.block, whole=True)
