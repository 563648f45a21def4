"""A few tokens scattered among blanks, to be said again in their order at the end.

Source:  "Mechanistic Design and Scaling of Hybrid Architectures", Poli et al. 2024 (arXiv 2403.17844), MAD; after
         "Mamba", Gu, Dao 2023 (arXiv 2312.00752).
Idea:    what matters stands at places that change from example to example, so a fixed convolution cannot fetch it: a
         layer must choose by content what to keep.
Data:    `tokens` of V - 2 kinds, in random places among blanks (V - 2), then a mark to copy (V - 1) and blanks to
         answer on: T = `length` in all.
Differs: blanks are placed by the generator that is handed in; MAD takes a global one, so its seed does not fix them.
"""

from dataclasses import dataclass

import torch

from remanence.bench.lessons.base import UNASKED, Base, Examples
from remanence.errors import BadConfig


@dataclass
class SelectiveCopy(Base):
    vocabulary: int = 16
    length: int = 64
    tokens: int = 8

    def __post_init__(self) -> None:
        if self.tokens < 1 or self.length < 2 * self.tokens + 1 or self.vocabulary < 4:
            raise BadConfig(
                f"length must be at least 2 * tokens + 1 = {2 * self.tokens + 1} with tokens >= 1 and vocabulary >= 4, "
                f"got {self.length} and {self.vocabulary}"
            )

    @property
    def vocab_size(self) -> int:
        return self.vocabulary

    @property
    def chance(self) -> float:
        return 1 / (self.vocabulary - 2)

    def examples(self, n: int, generator: torch.Generator) -> Examples:
        blank, mark, told = self.vocabulary - 2, self.vocabulary - 1, self.length - self.tokens - 1
        said = torch.randint(blank, (n, self.tokens), generator=generator)
        places = torch.rand(n, told, generator=generator).topk(self.tokens, 1).indices.sort(1).values
        ids = torch.full((n, self.length), blank)
        ids.scatter_(1, places, said)
        ids[:, told] = mark
        labels = torch.full_like(ids, UNASKED)
        labels[:, told : told + self.tokens] = said  # at the mark the first, at each blank the next
        return Examples(ids, labels)
