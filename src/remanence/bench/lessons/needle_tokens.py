"""A few facts anywhere in a long noise, and a question about one of them at the end.

Source:  after BABILong, Kuratov et al. 2024 (arXiv 2406.10149), with random tokens for the books.
Idea:    what has to be remembered is little, what has to be passed over is much; a memory learns both on short texts
         and is asked on long ones.
Data:    noise tokens, among them `facts` of three tokens [FACT key value] at random places that do not overlap; last
         [ASK key]. A key told twice counts as told last, where `repeats`.
"""

from dataclasses import dataclass

import torch

from remanence.bench.lessons.base import UNASKED, Base, Examples
from remanence.errors import BadConfig

FACT, ASK, KEYS = 0, 1, 2


@dataclass
class NeedleTokens(Base):
    length: int = 128
    facts: int = 2
    keys: int = 8
    values: int = 8
    noise: int = 16  # kinds of noise token
    repeats: bool = False

    def __post_init__(self) -> None:
        if self.facts < 1 or self.length < 3 * self.facts + 2:
            raise BadConfig(f"length must be at least 3 * facts + 2 = {3 * self.facts + 2}, got {self.length}")
        if not self.repeats and self.facts > self.keys:
            raise BadConfig(f"{self.facts} facts need as many keys, got {self.keys}; or say repeats=True")

    @property
    def vocab_size(self) -> int:
        return KEYS + self.keys + self.values + self.noise

    @property
    def chance(self) -> float:
        return 1 / min(self.facts, self.values)

    def examples(self, n: int, generator: torch.Generator) -> Examples:
        values, noise, room = KEYS + self.keys, KEYS + self.keys + self.values, self.length - 2
        ids = torch.randint(noise, noise + self.noise, (n, self.length), generator=generator)
        # Places of the facts with two tokens taken out for each before it: so that none overlaps another.
        free = room - 2 * self.facts
        at = torch.rand(n, free, generator=generator).topk(self.facts, 1).indices.sort(1).values
        at = at + 2 * torch.arange(self.facts)
        if self.repeats:
            key = torch.randint(self.keys, (n, self.facts), generator=generator)
        else:
            key = torch.rand(n, self.keys, generator=generator).topk(self.facts, 1).indices
        value = torch.randint(self.values, (n, self.facts), generator=generator)
        for offset, token in enumerate((torch.full_like(key, FACT), key + KEYS, value + values)):
            ids.scatter_(1, at + offset, token)
        asked = key.gather(1, torch.randint(self.facts, (n, 1), generator=generator))
        last = self.facts - 1 - (key == asked).flip(1).float().argmax(1, keepdim=True)
        ids[:, -2], ids[:, -1] = ASK, asked[:, 0] + KEYS
        labels = torch.full_like(ids, UNASKED)
        labels[:, -1] = value.gather(1, last)[:, 0] + values
        return Examples(ids, labels)
