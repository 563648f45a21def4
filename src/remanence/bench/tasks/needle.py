"""A value found by its key in a haystack far longer than the window the model was trained on.

Source:  "Landmark Attention: Random-Access Infinite Context Length for Transformers", Mohtashami and Jaggi 2023
         (arXiv 2305.16300), for the passkey; "RULER: What's the Real Context Size of Your Long-Context Language
         Models?", Hsieh et al. 2024 (arXiv 2404.06654), for several keys and several values; length by depth is
         Kamradt's "Needle In A Haystack" (2023), as in Machlab and Battle 2024 (arXiv 2404.08865).
Idea:    what a memory reads of a long past must hold the one pair that is asked for. Attention over everything breaks
         down beyond the trained window, and a window alone holds what is near.
Data:    made up, in the vocabulary of bench/recall.py; the model is the one that scripts/train_recall.py makes, or any
         that knows this world.
Differs: tokens without a language, so that a model of two layers is enough, and one way to ask. RULER grades several
         values as a list that is written; here they are the likeliest next tokens, as many as there are values.

A world is one context: `needles` keys, each followed by one value, in noise. A key that has more than one value stands
as often. The context is cut into `depths` parts of equal length, and the needles go round them: context after context
every part has had as many. Every key is asked for once, on a copy of the past.

    needles=1            the passkey
    needles=8            several keys, of which one is asked for: the other pairs are there to be mistaken for it
    values=2             several values of one key

    right   1 when the token said is a value of the key; of several, the share of them among as many likeliest tokens
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from remanence.bench import recall
from remanence.bench.base import Continue, Found, Probe, Read, Score, World
from remanence.bench.lengths import contexts, lengths
from remanence.bench.tasks.base import Base
from remanence.errors import BadConfig


@dataclass
class Needle(Base):
    """`lengths` are tokens of context, with commas between."""

    metrics: ClassVar[Mapping[str, str]] = {"right": "the value, or the share of the values, that was said"}
    forms: ClassVar[tuple[str, ...]] = ("cache",)
    crossed: ClassVar[tuple[str, ...]] = ("length", "depth")

    lengths: str = "512,1024,4096"
    depths: int = 8
    needles: int = 8  # keys in a context
    values: int = 1  # of each key
    contexts: int = 8  # of each length; as many as `depths`, or a multiple, ask at every depth alike

    def __post_init__(self) -> None:
        self.lengths = str(self.lengths)  # a single one may be said as a number
        if min(self.depths, self.needles, self.values, self.contexts) < 1:
            raise BadConfig("depths, needles, values and contexts must be at least 1")
        if self.needles > len(recall.KEYS) or self.values > len(recall.VALUES):
            most = f"{len(recall.KEYS)} keys and {len(recall.VALUES)} values"
            raise BadConfig(f"there are {most}, got {self.needles} and {self.values}")
        if min(self._lengths) <= self.depths * 2 * self._crowd:
            raise BadConfig(f"{min(self._lengths)} tokens have no room for {self.needles} keys of {self.values} values")

    def worlds(self, seed: int) -> Iterator[World]:
        for length, number, rng in contexts(self._lengths, self.contexts, seed):
            yield self._world(length, number, rng)

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        assert isinstance(probe, Continue)
        if self.values == 1:
            return {"right": Score(float(found.said == probe.target))}
        among = found.likeliest[: self.values]
        return {"right": Score(sum(str(token) in probe.answers for token in among) / self.values)}

    def size(self) -> int | None:
        return len(self._lengths) * self.contexts * self.needles

    @property
    def _lengths(self) -> list[int]:
        return lengths(self.lengths)

    @property
    def _crowd(self) -> int:
        """The most pairs that stand in one part."""
        return -(-self.needles * self.values // self.depths)

    def _world(self, length: int, number: int, rng: np.random.Generator) -> World:
        n = self.needles * self.values
        keys = np.tile(recall.distinct(rng, 1, len(recall.KEYS), self.needles)[0] + recall.KEYS.start, self.values)
        drawn = recall.distinct(rng, self.needles, len(recall.VALUES), self.values) + recall.VALUES.start
        parts = (np.arange(n) * self.depths // n + number) % self.depths
        tokens = rng.integers(recall.NOISE.start, recall.NOISE.stop, length)
        tokens[0] = recall.BOS
        width = (length - 1) // self.depths
        for part in range(self.depths):
            here = np.flatnonzero(parts == part)
            # Places of single tokens among what is left when each pair counts as one, so that pairs do not overlap.
            places = np.sort(recall.distinct(rng, 1, width - len(here), len(here))[0]) + np.arange(len(here))
            places += 1 + part * width
            tokens[places] = keys[here]
            tokens[places + 1] = drawn.T.flatten()[here]
        probes = [self._probe(keys[i], drawn[i], length, parts[i]) for i in range(self.needles)]
        return World(f"{length} {number}", [Read(tokens.tolist()), *probes])

    def _probe(self, key: int, values: recall.Tokens, length: int, part: int) -> Continue:
        depth = {"depth": f"{100 * (part + 0.5) / self.depths:.0f}"} if self.values == 1 else {}  # percent
        answers = tuple(str(value) for value in values)
        tags = {"length": str(length), **depth}
        return Continue(ids=(int(key),), target=(int(values[0]),), answers=answers, k=self.values, tags=tags)
