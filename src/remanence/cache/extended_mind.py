"""Each query of each head reads the few tokens of the far past that are most like it, and one can see which.

Source:  "Extended Mind Transformers", Klett, Ahle 2024 (arXiv 2406.02332).
Idea:    k nearest keys by cosine for each query, layer and head, none below a similarity of `least`; they join the near
         past in one softmax, at positions that the model knows. What was read is what an answer rests on: `cited`.
Cost:    a product of each query with every key held, O(N D); reads sinks + local + k tokens for each query.
Differs: the past of the text itself takes the place of memories computed beforehand; it lies at distance `local`, the
         paper's at the place of the first token. A prompt's own far past is searched as well.

Shapes: B batch, H key-value heads, Q query heads, T queries, N tokens, R tokens read, D width.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from remanence.cache.base import Base, Far, Positions
from remanence.cache.parts.asked import asked, nearest, products, without_padding
from remanence.cache.parts.held import Held
from remanence.cache.parts.memory_cache import MemoryCache
from remanence.errors import BadConfig


@dataclass
class ExtendedMind(Base):
    k: int = 10  # tokens, of each query and head (the authors')
    least: float = 0.25  # cosine of a query and a key that is read (the authors')
    chunk: int = field(default=128, kw_only=True)  # each query chooses for itself, and so many at once
    positions: Positions = field(default="fixed", kw_only=True)
    citations: Tensor | None = field(default=None, init=False, repr=False, compare=False)  # [B, N] times read

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k < 1 or not -1 <= self.least <= 1:
            raise BadConfig(f"k >= 1 and least in [-1, 1] must hold, got {self.k} and {self.least}")

    @property
    def budget(self) -> int:
        return self.k

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        keys = held.k.span(start, end)
        tokens = torch.arange(start, end, device=query.device).expand(1, keys.shape[1], -1)
        alike = products(F.normalize(query, dim=-1), F.normalize(keys, dim=-1))
        alike = without_padding(alike, held, tokens).masked_fill(alike < self.least, -torch.inf)
        far = asked(nearest(alike, self.k), tokens, end)
        self._cite(far, len(held))
        return far

    def _cite(self, far: Far, n: int) -> None:
        assert far.only is not None
        times = far.only.unflatten(1, (far.ids.shape[1], -1)).sum((2, 3))  # [B, H, R]
        cited = times.new_zeros(len(times), n).scatter_add_(1, far.ids.clamp(min=0).flatten(1), times.flatten(1))
        self.citations = cited if self.citations is None else cited + _padded(self.citations, n)

    def crop(self, held: Held) -> None:
        if self.citations is not None:
            self.citations = self.citations[:, : len(held)]

    @staticmethod
    def cited(cache: MemoryCache) -> Tensor:
        """[B, N]: how often each token of `cache.ids` was read as a far one, by all layers, heads and queries so far.

        What an answer rests on is what this has grown by since before the question.
        """
        n = cache.get_seq_length()
        noted = [layer.policy.noted().get("citations") for layer in cache.memory_layers]
        known = [_padded(x, n) for x in noted if isinstance(x, Tensor)]
        return torch.stack(known).sum(0) if known else torch.zeros(1, n, dtype=torch.long)


def _padded(x: Tensor, n: int) -> Tensor:
    return F.pad(x, (0, n - x.shape[1]))
