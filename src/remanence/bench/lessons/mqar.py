"""Multi-query associative recall: pairs of keys and values, then every key once more, to be answered with its value.

Source:  "Zoology: Measuring and Improving Recall in Efficient Language Models", Arora et al. 2023 (arXiv 2312.04927).
Idea:    what a language model does with a name it met before, and nothing else: whoever cannot keep `pairs`
         associations at once falls back on guessing among the values in sight, at 1 / pairs.
Data:    keys from 1 to V/2 - 1, values from V/2 to V - 1, all distinct within an example; the pairs come first, then
         each key at an even distance g from there, drawn without replacement with p(g) ~ g^(a - 1).
Differs: drawn anew for every batch instead of from 100,000 kept examples.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from remanence.bench.lessons.base import UNASKED, Base, Examples
from remanence.errors import BadConfig


@dataclass
class MQAR(Base):
    """The label stands at the key that asks; its value is never shown after it."""

    vocabulary: int = 256
    length: int = 64  # tokens
    pairs: int = 4
    a: float = 0.01  # the paper's: short distances are likely
    noise: bool = False  # random tokens instead of 0 where nothing is asked

    def __post_init__(self) -> None:
        if self.length % 2 or not 4 * self.pairs <= self.length < self.vocabulary:
            raise BadConfig(
                f"length must be even, at least 4 * pairs = {4 * self.pairs} and under the vocabulary of "
                f"{self.vocabulary}, got {self.length}"
            )
        if self.pairs < 1 or self.pairs > self.vocabulary // 2 - 1:
            raise BadConfig(f"pairs must be from 1 to {self.vocabulary // 2 - 1}, got {self.pairs}")

    @property
    def vocab_size(self) -> int:
        return self.vocabulary

    @property
    def chance(self) -> float:
        return 1 / self.pairs

    def examples(self, n: int, generator: torch.Generator) -> Examples:
        half, told = self.vocabulary // 2, 2 * self.pairs
        keys, values = self._draw(n, 1, half, generator), self._draw(n, half, self.vocabulary, generator)
        distance = torch.arange(1, (self.length - told) // 2 + 1)
        uniform = torch.rand(n, len(distance), generator=generator).clamp(min=1e-20)
        likely = (self.a - 1) * distance.log() - (-uniform.log()).log()  # the greatest are a draw without replacement
        asked = told + 2 * likely.topk(self.pairs, 1).indices
        ids = torch.zeros(n, self.length, dtype=torch.long)
        ids[:, 0:told:2], ids[:, 1:told:2] = keys, values
        ids.scatter_(1, asked, keys)
        if self.noise:
            ids = torch.where(ids == 0, torch.randint(self.vocabulary, ids.shape, generator=generator), ids)
        return Examples(ids, torch.full_like(ids, UNASKED).scatter_(1, asked, values))

    def _draw(self, n: int, low: int, high: int, generator: torch.Generator) -> Tensor:
        """[n, pairs] distinct numbers from low to high - 1, in random order."""
        return torch.rand(n, high - low, generator=generator).topk(self.pairs, 1).indices + low
