"""Turns ranked by how close their vectors are to the question's.

Source:  Karpukhin et al. 2020 (arXiv 2004.04906): retrieval by the inner product of text vectors.
Idea:    an embedder puts texts that mean the same close together, whatever their words.
Cost:    write one embedding; read a scan of sign bits, 5 ms at 100k turns; no model calls.
Differs: the embedder is used as it comes, not trained for the task.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from remanence.records import Event, Hit, Op, Query
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.kinds import only_turns
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import turns


@dataclass
class Dense(Base):
    derives: ClassVar[str] = "turns"

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return turns(events)

    def read(self, query: Query, store: Store) -> list[Hit]:
        found = store.find_vectors(store.embedder.embed([query.text])[0], only_turns(query.filter, store), query.k)
        return hits(found, store, "dense")
