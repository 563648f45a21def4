"""A sign at the entrance says which way to turn at the end of a long corridor.

Source:  after the T-maze of "When Do Transformers Shine in RL? Decoupling Memory from Credit Assignment", Ni, Ma,
         Eysenbach, Bacon 2023 (arXiv 2307.03864), as a question to be answered instead of an agent to be trained.
Idea:    one bit, read once, needed after any number of steps: nothing but how long a memory holds is measured.
Data:    [LEFT | RIGHT], then `corridor` steps, of `noise` kinds, then [JUNCTION]; asked there.
"""

from dataclasses import dataclass

import torch

from remanence.bench.lessons.base import UNASKED, Base, Examples
from remanence.errors import BadConfig

LEFT, JUNCTION, STEP = 0, 2, 3  # RIGHT is 1


@dataclass
class TMaze(Base):
    corridor: int = 30
    noise: int = 1  # kinds of step; with one, all steps look alike

    def __post_init__(self) -> None:
        if self.corridor < 0 or self.noise < 1:
            raise BadConfig(f"corridor must be at least 0 and noise at least 1, got {self.corridor} and {self.noise}")

    @property
    def vocab_size(self) -> int:
        return STEP + self.noise

    @property
    def chance(self) -> float:
        return 0.5

    def examples(self, n: int, generator: torch.Generator) -> Examples:
        sign = torch.randint(2, (n, 1), generator=generator)
        steps = torch.randint(STEP, STEP + self.noise, (n, self.corridor), generator=generator)
        ids = torch.cat([sign, steps, torch.full((n, 1), JUNCTION)], 1)
        labels = torch.full_like(ids, UNASKED)
        labels[:, -1] = sign[:, 0] + LEFT
        return Examples(ids, labels)
