"""Records that a method is about to propose, found as if they were in the store already: what comes in one batch and
what comes in many must give the same memory."""

from collections.abc import Set

import numpy as np

from remanence.embed.base import Vectors
from remanence.records import Filter, Record, Scope
from remanence.store.base import Base as Store


class Batch:
    """Of some kinds of records, those in the store, with what was added here and without what was ended."""

    def __init__(self, store: Store, *kinds: str) -> None:
        self.store, self.kinds = store, kinds
        self.added: dict[str, tuple[Record, Vectors]] = {}
        self.ended: set[str] = set()

    def add(self, record: Record, vector: Vectors) -> None:
        self.added[record.id] = record, as_kept(vector)

    def end(self, record: Record) -> None:
        self.added.pop(record.id, None)
        self.ended.add(record.id)

    def near(self, vector: Vectors, scope: Scope, n: int, apart: Set[str] = frozenset()) -> list[tuple[Record, float]]:
        """The n nearest of a scope with their cosines, best first, but for the ids in `apart`."""
        apart = self.ended | apart
        found = self.store.find_vectors(vector, Filter(kinds=self.kinds, scope=scope), n + len(apart))
        cosine = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
        near = [(record, cosine[row]) for row, record in self.store.read(cosine).items()]
        near += [(record, float(kept @ vector)) for record, kept in self.added.values() if record.scope == scope]
        near = [(record, score) for record, score in near if record.id not in apart]
        return sorted(near, key=lambda pair: (-round(pair[1], 5), pair[0].id))[:n]


def as_kept(vector: Vectors) -> Vectors:
    """With the precision that a store keeps."""
    return vector.astype(np.float16).astype(np.float32)
