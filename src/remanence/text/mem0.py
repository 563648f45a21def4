"""Facts instead of turns, each compared with the nearest that are held: added, updated, ended, or nothing new.

Source:  "Mem0: Building Production-Ready AI Agents with Scalable Long-Term Memory", Chhikara, Khant, Aryan, Singh,
         Yadav 2025 (arXiv 2504.19413).
Idea:    a memory that only adds says what was true once beside what is true now; a new fact is first put to the s
         nearest facts: ADD, UPDATE, DELETE or NOOP.
Cost:    write one question (`facts`) a turn and at most 2 s (`conflict`) a fact, and a scan of the vectors of all that
         its user holds: 2 ms a turn at 1k, some 20 at 100k; read one scan.
Differs: nothing is deleted or rewritten: what is updated or denied ends, and what ended it is kept. Facts of one
         subject and single-valued relation are compared too, without asking. The model is asked of pairs, not shown all
         s at once, nor a summary and the last 10 turns. Not the graph variant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from remanence.errors import BadConfig
from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Hit, Op, Query
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.facts import facts
from remanence.text.parts.kinds import only
from remanence.text.parts.ranked import hits
from remanence.text.parts.revision.supersede import Facts, embedded
from remanence.text.parts.slots import Slots


@dataclass
class Mem0(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    s: int = 10  # paper: facts a new one is compared with
    slots: Slots = field(default_factory=Slots, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.s < 1:
            raise BadConfig(f"s must be at least 1, got {self.s}")

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        held = Facts(store, self.lm, self.slots, self.s)
        for fact, vector in embedded(store, facts(self.lm, events)):
            held.take(fact, vector)
        return held.ops

    def read(self, query: Query, store: Store) -> list[Hit]:
        vector = store.embedder.embed([query.text])[0]
        return hits(store.find_vectors(vector, only(query.filter, "fact"), query.k), store, "dense")
