"""One pair among many, first, last or in the middle of what a frozen model reads: the task's form in keys and values.

Source:  Liu et al. 2023, "Lost in the Middle: How Language Models Use Long Contexts" (arXiv 2307.03172), key-value
         retrieval.
Idea:    the paper's models answer best for what stands first or last. `position` shows whether a memory does, and it
         should be as good in the middle.
Data:    made up, in the vocabulary of bench/recall.py.
Differs: keys and values are single tokens instead of UUIDs, and noise fills the context beyond what 32 keys do: pairs
         stand at even distances from the first token to the last.

A world is one context; the pairs at the first, a quarter, the middle, three quarters and the last place are asked for.

    right   1 when the token said is the value
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from remanence.bench import recall
from remanence.bench.base import Continue, Found, Probe, Read, Score, Step, World
from remanence.bench.tasks.base import Base
from remanence.errors import BadConfig

POSITIONS = ("1 first", "2 quarter", "3 middle", "4 three quarters", "5 last")


@dataclass
class LostInTheMiddleKV(Base):
    """The default is eight windows of the model that scripts/train_recall.py makes."""

    metrics: ClassVar[Mapping[str, str]] = {"right": "1 when the value was said"}
    forms: ClassVar[tuple[str, ...]] = ("cache",)

    length: int = 1024  # tokens
    pairs: int = 32
    contexts: int = 16

    def __post_init__(self) -> None:
        if not len(POSITIONS) <= self.pairs <= len(recall.KEYS):
            raise BadConfig(f"pairs must be from {len(POSITIONS)} to {len(recall.KEYS)}, got {self.pairs}")
        if self.length <= 2 * self.pairs or self.contexts < 1:
            raise BadConfig(f"{self.length} tokens have no room for {self.pairs} pairs, or there are no contexts")

    def worlds(self, seed: int) -> Iterator[World]:
        for number in range(self.contexts):
            yield self._world(number, np.random.default_rng([seed, number]))

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        assert isinstance(probe, Continue)
        return {"right": Score(float(found.said == probe.target))}

    def size(self) -> int | None:
        return self.contexts * len(POSITIONS)

    def _world(self, number: int, rng: np.random.Generator) -> World:
        tokens = rng.integers(recall.NOISE.start, recall.NOISE.stop, self.length)
        tokens[0] = recall.BOS
        keys = recall.distinct(rng, 1, len(recall.KEYS), self.pairs)[0] + recall.KEYS.start
        values = rng.integers(recall.VALUES.start, recall.VALUES.stop, self.pairs)
        places = 1 + np.arange(self.pairs) * (self.length - 3) // (self.pairs - 1)
        tokens[places], tokens[places + 1] = keys, values
        steps: list[Step] = [Read(tokens.tolist())]
        for i, position in enumerate(POSITIONS):
            pair = i * (self.pairs - 1) // (len(POSITIONS) - 1)
            steps.append(Continue(ids=(int(keys[pair]),), target=(int(values[pair]),), tags={"position": position}))
        return World(str(number), steps)
