"""A table of values by context and key, told once and asked for again: neither key nor context alone will do.

Source:  "Overcoming Long-Context Limitations of State-Space Models via Context-Dependent Sparse Attention", Zhan, Zhao,
         Zhu, Zheng, Kong, Su, Zhang, Yang, Yan 2025 (arXiv 2507.00449), joint recall.
Idea:    the same key means something else in each context, so what is looked for depends on what was read just before.
Data:    [BOS], then each context in random order: its token, then (key, value) in random order of the keys; [SEP]; then
         all of it once more in a new order. Values 0 to 15, keys and contexts by offsets beyond. Asked at each key of
         the second telling.
"""

from dataclasses import dataclass

import torch

from remanence.bench.lessons.base import UNASKED, Base, Examples
from remanence.errors import BadConfig

BOS, SEP, VALUES = 0, 1, 2  # where the values' tokens begin


@dataclass
class JointRecall(Base):
    contexts: int = 4
    keys: int = 4
    values: int = 16

    def __post_init__(self) -> None:
        if min(self.contexts, self.keys, self.values) < 1:
            raise BadConfig(f"contexts, keys and values must be at least 1, got {self}")

    @property
    def vocab_size(self) -> int:
        return VALUES + self.values + self.keys + self.contexts

    @property
    def chance(self) -> float:
        return 1 / self.values

    @property
    def length(self) -> int:
        return 2 * self.contexts * (2 * self.keys + 1) + 2

    def examples(self, n: int, generator: torch.Generator) -> Examples:
        table = torch.randint(self.values, (n, self.contexts, self.keys), generator=generator)
        first, _ = self._told(table, generator)
        again, asked = self._told(table, generator)
        start, mid = torch.full((n, 1), BOS), torch.full((n, 1), SEP)
        ids = torch.cat([start, first, mid, again], 1)
        labels = torch.cat([torch.full_like(ids[:, : first.shape[1] + 2], UNASKED), asked], 1)
        return Examples(ids, labels)

    def _told(self, table: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """The table in a random order, as tokens, and what each key of it asks for."""
        n, c, k = table.shape
        contexts = torch.rand(n, c, generator=generator).argsort(1)
        keys = torch.rand(n, c, k, generator=generator).argsort(2)
        values = table.gather(1, contexts[..., None].expand(-1, -1, k)).gather(2, keys) + VALUES
        pairs = torch.stack([keys + VALUES + self.values, values], -1).flatten(2)  # key, value, key, value, ...
        ids = torch.cat([contexts[..., None] + VALUES + self.values + self.keys, pairs], 2).flatten(1)
        asked = torch.full((n, c, 1 + 2 * k), UNASKED)
        asked[:, :, 1::2] = values
        return ids, asked.flatten(1)
