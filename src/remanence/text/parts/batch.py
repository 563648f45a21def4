"""Records that a method is about to propose, found as if they were in the store already: what comes in one batch and
what comes in many must give the same memory."""

from collections import defaultdict
from collections.abc import Set

import numpy as np

from remanence.embed.base import Vectors
from remanence.records import Filter, Record, Scope
from remanence.store.base import Base as Store


class Batch:
    """Of some kinds of records, those in the store, with what was added here and without what was ended."""

    def __init__(self, store: Store, *kinds: str) -> None:
        self.store, self.kinds = store, kinds
        self.added: dict[Scope, dict[str, tuple[Record, Vectors]]] = defaultdict(dict)
        self.ended: set[int] = set()  # rows

    def add(self, record: Record, vector: Vectors) -> None:
        self.added[record.scope][record.id] = record, as_kept(vector)

    def end(self, record: Record) -> None:
        if self.added[record.scope].pop(record.id, None) is None:
            self.ended.update(self.store.rows_of([record.id]).tolist())

    def near(self, vector: Vectors, scope: Scope, n: int, apart: Set[str] = frozenset()) -> list[tuple[Record, float]]:
        """The n nearest of a scope with their cosines, best first, but for the ids in `apart`."""
        most = n + len(apart)
        found = self.store.find_vectors(vector, Filter(kinds=self.kinds, scope=scope), most + len(self.ended))
        cosine = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
        rows = [row for row in cosine if row not in self.ended][:most]
        near = [(record, cosine[row]) for row, record in self.store.read(rows).items()]
        near += [(record, float(kept @ vector)) for record, kept in self.added[scope].values()]
        near = [(record, score) for record, score in near if record.id not in apart]
        return sorted(near, key=lambda pair: (-round(pair[1], 5), pair[0].id))[:n]


def as_kept(vector: Vectors) -> Vectors:
    """With the precision that a store keeps."""
    return vector.astype(np.float16).astype(np.float32)
