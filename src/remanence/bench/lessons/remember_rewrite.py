"""Pairs of keys and values, one a segment, then one key: what is its value, or the last one it was given?

Source:  "Associative Recurrent Memory Transformer", Rodkin, Kuratov, Bulatov, Burtsev 2024 (arXiv 2407.04841), its
         associative retrieval tasks Remember and Rewrite.
Idea:    the number of pairs a memory of fixed size can hold, and whether it can let go of a value that was replaced:
         who adds up what is written answers a rewritten key with a mixture.
Data:    [key SEP value EOS] for each pair, then [key GEN value]; keys and values are digits drawn evenly, and keys
         differ from each other unless `rewrite`. The key asked for is that of a pair drawn evenly.
Differs: the EOS after the last value is not asked for; it is always the same.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from remanence.bench.lessons.base import UNASKED, Base, Examples
from remanence.errors import BadConfig


@dataclass
class RememberRewrite(Base):
    """Labels stand at GEN and at all digits of the value but the last, which is never shown."""

    pairs: int = 8
    key_size: int = 1  # digits
    value_size: int = 1  # digits
    digits: int = 16  # the paper's
    rewrite: bool = True  # Rewrite; otherwise Remember

    def __post_init__(self) -> None:
        if min(self.pairs, self.key_size, self.value_size) < 1 or self.digits < 2:
            raise BadConfig(f"pairs, key_size and value_size must be at least 1 and digits at least 2, got {self}")
        if not self.rewrite and self.pairs > self.keys:
            raise BadConfig(f"pairs must be at most {self.keys}, as many as there are keys, got {self.pairs}")

    @property
    def keys(self) -> int:
        return int(self.digits**self.key_size)

    @property
    def vocab_size(self) -> int:
        return self.digits + 3  # SEP, GEN and EOS

    @property
    def segment_len(self) -> int:
        """Tokens of a pair: what a memory that reads in segments is given at once."""
        return self.key_size + self.value_size + 2

    @property
    def chance(self) -> float:
        """Of who gives the value of any pair: the right pair, or another whose digit happens to be the same."""
        return 1 / self.pairs + (1 - 1 / self.pairs) / self.digits

    def examples(self, n: int, generator: torch.Generator) -> Examples:
        key, value = self._keys(n, generator), self._digits(n, self.value_size, generator)
        asked = torch.randint(self.pairs, (n,), generator=generator)
        row = torch.arange(n)
        same = (key == key[row, asked][:, None]).all(-1)  # [N, pairs]
        last = (same * torch.arange(1, self.pairs + 1)).argmax(1)
        sep, gen, eos = (torch.full((n, self.pairs, 1), self.digits + i) for i in range(3))
        told = torch.cat([key, sep, value, eos], 2).flatten(1)
        answer = value[row, last]
        ids = torch.cat([told, key[row, last], gen[:, 0], answer[:, :-1]], 1)
        labels = torch.full_like(ids, UNASKED)
        labels[:, -self.value_size :] = answer
        return Examples(ids, labels)

    def _digits(self, n: int, size: int, generator: torch.Generator) -> Tensor:
        """[n, pairs, size]."""
        return torch.randint(self.digits, (n, self.pairs, size), generator=generator)

    def _keys(self, n: int, generator: torch.Generator) -> Tensor:
        """[n, pairs, key_size], in Remember without repeats."""
        if self.rewrite:
            return self._digits(n, self.key_size, generator)
        number = torch.rand(n, self.keys, generator=generator).topk(self.pairs, 1).indices
        return number[..., None] // self.digits ** torch.arange(self.key_size) % self.digits
