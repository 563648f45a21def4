"""One table for all time: nothing in an example tells the value of its keys, so only weights can hold it.

Source:  "Mechanistic Design and Scaling of Hybrid Architectures", Poli et al. 2024 (arXiv 2403.17844), MAD.
Idea:    what is learned here is facts, not a way to recall: a test of memory in parameters, and a control for the
         others, since a layer without any memory of its context can do it.
Data:    a table from keys to values, fixed by `table`; an example is `pairs` of [key, ASK], asked at each ASK.
"""

from dataclasses import dataclass

import torch

from remanence.bench.lessons.base import UNASKED, Base, Examples
from remanence.errors import BadConfig

ASK = 0


@dataclass
class Memorization(Base):
    facts: int = 256
    values: int = 32
    pairs: int = 16
    table: int = 12345  # the seed of the table, the same whatever examples are drawn

    def __post_init__(self) -> None:
        if min(self.facts, self.values, self.pairs) < 1:
            raise BadConfig(f"facts, values and pairs must be at least 1, got {self}")

    @property
    def vocab_size(self) -> int:
        return 1 + self.facts + self.values

    @property
    def chance(self) -> float:
        return 1 / self.values

    def examples(self, n: int, generator: torch.Generator) -> Examples:
        answers = torch.randint(self.values, (self.facts,), generator=torch.Generator().manual_seed(self.table))
        key = torch.randint(self.facts, (n, self.pairs), generator=generator)
        ids = torch.stack([key + 1, torch.full_like(key, ASK)], -1).flatten(1)
        labels = torch.full_like(ids, UNASKED)
        labels[:, 1::2] = answers[key] + 1 + self.facts
        return Examples(ids, labels)
