"""A list of tokens, read once and said again: by the model itself, or to it, to see how much less it surprises.

Source:  "Characterizing Verbatim Short-Term Memory in Neural Language Models", Armeni, Honey, Linzen 2022
         (arXiv 2210.13569).
Idea:    who remembers a list word for word is not surprised by it when it comes again. Is it the words that are
         remembered or their order? The same in another order tells them apart, and a new list says what is no memory.
Data:    made up, in the vocabulary of bench/recall.py.
Differs: tokens in noise instead of nouns in English text, far more of it than the model's window; what surprises is
         compared between lists and not with the first time a list is read. The paper lets no model say the list.

A world is one context with one list of `stretch` tokens that stand nowhere else, at a depth whose turn it is. Its first
`given` tokens are said again, and the model goes on from its own tokens, right or wrong. Then a list is told: by turns
the same one (`repeated`), the same in another order (`permuted`), or another (`new`).

    tokens   the share of those the model said that are right and in their place
    whole    1 when all are
    log_p    the mean log-probability of what was told, after the first `given` tokens, in nats; by `list`
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

LISTS = ("repeated", "permuted", "new")
WORDS = range(recall.KEYS.start, recall.VALUES.stop)  # all that is no noise


@dataclass
class VerbatimRecall(Base):
    """`lengths` are tokens of context, with commas between."""

    metrics: ClassVar[Mapping[str, str]] = {
        "tokens": "share of the list's tokens that are right and in their place",
        "whole": "1 when all of them are",
        "log_p": "mean log-probability of a token of a list that is told",
    }
    forms: ClassVar[tuple[str, ...]] = ("cache",)
    crossed: ClassVar[tuple[str, ...]] = ("length", "depth")

    lengths: str = "512,1024,4096"
    depths: int = 4
    stretch: int = 16  # tokens
    given: int = 2  # of them
    contexts: int = 24  # of each length; a multiple of 3 and of `depths` asks all alike

    def __post_init__(self) -> None:
        self.lengths = str(self.lengths)  # a single one may be said as a number
        if not 1 <= self.given < self.stretch <= len(WORDS) // 2:
            raise BadConfig(f"1 <= given < stretch <= {len(WORDS) // 2} must hold, got {self.given} and {self.stretch}")
        if self.depths < 1 or self.contexts < 1:
            raise BadConfig("depths and contexts must be at least 1")
        if min(self._lengths) <= self.depths * self.stretch:
            raise BadConfig(f"{min(self._lengths)} tokens have no room for a stretch of {self.stretch} at each depth")

    def worlds(self, seed: int) -> Iterator[World]:
        for length, number, rng in contexts(self._lengths, self.contexts, seed):
            yield self._world(length, number, rng)

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        assert isinstance(probe, Continue)
        if probe.told:
            surprise = found.surprise[self.given :]
            return {"log_p": Score(-sum(surprise) / len(surprise))}
        right = [said == token for said, token in zip(found.said, probe.target, strict=True)]
        return {"tokens": Score(sum(right) / len(right)), "whole": Score(float(all(right)))}

    def size(self) -> int | None:
        return 2 * len(self._lengths) * self.contexts

    @property
    def _lengths(self) -> list[int]:
        return lengths(self.lengths)

    def _world(self, length: int, number: int, rng: np.random.Generator) -> World:
        tokens = rng.integers(recall.NOISE.start, recall.NOISE.stop, length)
        tokens[0] = recall.BOS
        drawn = (recall.distinct(rng, 1, len(WORDS), 2 * self.stretch)[0] + WORDS.start).tolist()
        first, other = tuple(drawn[: self.stretch]), tuple(drawn[self.stretch :])
        part, width = number % self.depths, (length - 1) // self.depths
        place = 1 + part * width + int(rng.integers(width - self.stretch + 1))
        tokens[place : place + self.stretch] = first
        depth = f"{100 * (part + 0.5) / self.depths:.0f}"  # percent
        asked = Continue(
            ids=first[: self.given], target=first[self.given :], tags={"length": str(length), "depth": depth}
        )
        which = LISTS[number % len(LISTS)]
        again = {"repeated": first, "permuted": tuple(rng.permutation(first).tolist()), "new": other}[which]
        told = Continue(target=again, told=True, tags={"length": str(length), "list": which})
        return World(f"{length} {number}", [Read(tokens.tolist()), asked, told])
