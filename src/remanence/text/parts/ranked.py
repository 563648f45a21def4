"""What is found, and the hits that a reader sees: best first, each with its reasons."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from remanence.records import Filter, Hit
from remanence.store.base import Base as Store
from remanence.store.base import Ranked


def hits(found: Ranked, store: Store, signal: str) -> list[Hit]:
    """One hit a row, in the order given, the whole score explained by one signal."""
    records = store.read(found.rows.tolist())
    scores = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
    return [Hit(record, scores[row], {signal: scores[row]}) for row, record in records.items()]


def explained(whys: Mapping[int, Mapping[str, float]], store: Store, k: int) -> list[Hit]:
    """The k best rows, where a score is the sum of its signals; of equals the older first."""
    scores = {row: sum(why.values()) for row, why in whys.items()}
    best = sorted(scores, key=lambda row: (-scores[row], row))[:k]
    return [Hit(record, scores[row], whys[row]) for row, record in store.read(best).items()]


def widening(vector: NDArray[np.float32], allowed: Filter, store: Store, n: int) -> Iterator[Ranked]:
    """The n rows nearest to a vector, then four times as many, until there are no more: where several rows stand for
    one thing, nobody knows before how many are enough."""
    while True:
        found = store.find_vectors(vector, allowed, n)
        yield found
        if len(found.rows) < n:
            return
        n *= 4
