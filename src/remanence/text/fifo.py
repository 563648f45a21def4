"""The newest turns and no others: what a full memory does when it thinks of nothing better.

Source:  none; the baseline that every way of forgetting must beat.
Idea:    first in, first out: beyond `budget` turns the oldest are forgotten, whatever they say.
Cost:    write one embedding; forget one look at the times of all turns; read that of words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from remanence.errors import BadConfig
from remanence.records import Event, Filter, Hit, Op, Query
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.kinds import only_turns
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import turns
from remanence.text.parts.terms import terms


@dataclass
class Fifo(Base):
    derives: ClassVar[str] = "turns"

    budget: int = 200  # turns kept in each scope

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise BadConfig(f"budget must be at least 1, got {self.budget}")

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return turns(events)

    def read(self, query: Query, store: Store) -> list[Hit]:
        return hits(store.find_words(terms(query.text), only_turns(query.filter, store), query.k), store, "words")

    def forget(self, store: Store, now: datetime) -> list[Op]:
        held = [record for record in store.records(Filter(kinds=("turn",))) if record.valid_from <= now]
        ops = []
        for scope in dict.fromkeys(record.scope for record in held):
            own = sorted((record for record in held if record.scope == scope), key=lambda record: record.valid_from)
            ops += [Op("expire", record.id, at=now, why=f"older than the newest {self.budget}") for record in own]
            del ops[len(ops) - min(self.budget, len(own)) :]
        return ops
