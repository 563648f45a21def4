"""One memory of each person, made anew after every session from the old memory and that session.

Source:  "Recursively Summarizing Enables Long-Term Dialogue Memory in Large Language Models", Wang, Fu, Cao, Wang,
         Tian, Ding 2023 (arXiv 2308.15022).
Idea:    M_i = LLM(session i, M_i-1): what mattered long ago stays as long as the model carries it over, in a text whose
         length does not grow. An answer has the latest memory and the session that goes on.
Cost:    write one embedding a turn; consolidate one question (`summary`) a new session, one embedding for it and, at
         the next read, one for each of its sentences; read one scan of vectors; no model calls. Each M cites every
         turn behind it, so that erasing one reaches it: citations grow with the square of the sessions.
Differs: the paper puts the memory into every prompt; here each of its sentences lifts the turn nearest to it, so that
         a hit cites a turn, and the memory itself is recalled when its kind is asked for. Turns stay findable by their
         own vectors; in the paper what the memory drops is gone.

    score(turn) = cosine of the turn + memory * the best cosine, if above 0, of a sentence of M that tells of it

Kinds: turn; summary (M), which cites all it was made from and links to the one before it with "previous".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Filter, Hit, Op, Query, Record, Scope
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import vector_of
from remanence.text.parts.kinds import derived
from remanence.text.parts.lifted import lifted
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import turns
from remanence.text.parts.sessions import line, renewed, sources, talks

SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+")
Told = tuple[NDArray[np.float32], list[list[int]]]  # [n, dim], a memory's sentences; the turns each tells of, as rows


@dataclass
class RecursiveSummary(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    words: int = 300  # of the memory; the paper allows 20 sentences
    idle: float = 3600.0  # seconds after its last turn a session is over, unless another has begun
    memory: float = 0.3  # what a sentence's cosine counts beside the turn's own
    tells: int = 1  # turns that a sentence of the memory is taken to tell of
    memories: int = 5  # looked at when a question may be about many people
    candidates: int = 100  # turns found by their own vectors
    known: dict[str, Told] = field(default_factory=dict, init=False, repr=False, compare=False)
    epoch: str = field(default="", init=False, repr=False, compare=False)

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return turns(events)

    def consolidate(self, store: Store, now: datetime) -> list[Op]:
        """Take the sessions that are over and not in the memory yet into it, in the order they ended."""
        held = {record.scope: record for record in store.records(Filter(kinds=("summary",)))}
        cited = {source.event for record in held.values() for source in record.sources}
        ops: list[Op] = []
        for session, over in talks(store, timedelta(seconds=self.idle), now):
            fresh = [turn for turn in session if turn.sources[0].event not in cited]
            if over and fresh:
                ops += self._next(fresh, held)
        return ops

    def read(self, query: Query, store: Store) -> list[Hit]:
        vector = vector_of(query, store)
        if "summary" in query.filter.kinds:
            return hits(store.find_vectors(vector, query.filter, query.k), store, "dense")
        lifts: dict[int, float] = {}
        asked_of = replace(derived(query.filter, "summary"), sessions=())  # of those the question may be about
        for memory in store.read(store.find_vectors(vector, asked_of, self.memories).rows.tolist()).values():
            vectors, told = self._told(memory, store)
            for cosine, rows in zip((vectors @ vector).tolist(), told, strict=True):
                for row in rows if cosine > 0 else ():
                    lifts[row] = max(lifts.get(row, 0.0), self.memory * cosine)
        return lifted(vector, query, lifts, "memory", self.candidates, store)

    def _next(self, session: Sequence[Record], held: dict[Scope, Record]) -> list[Op]:
        """M_i of the session and M_i-1, which `held` then has in its place; nothing when nothing is worth keeping."""
        scope, began = session[0].scope, session[-1].valid_from
        old = held.get(scope)
        text = self.lm.summary([line(turn) for turn in session], previous=old.text if old else "", words=self.words)
        if not text.strip():
            return []
        behind = [old, *session] if old else session
        began = max(began, old.valid_from) if old else began
        held[scope] = new = Record("summary", text, began, sources=sources(behind), scope=scope)
        previous = [Op("link", new.id, other=old.id, relation="previous")] if old else []
        return [*renewed(new, old, "the next session is over"), *previous]

    def _told(self, memory: Record, store: Store) -> Told:
        """The vectors of a memory's sentences, and of each the turns nearest to it that were there to be told of."""
        if store.epoch != self.epoch:
            self.known, self.epoch = {}, store.epoch
        if memory.id not in self.known:
            vectors = store.embedder.embed([text for text in SENTENCE.split(memory.text) if text.strip()])
            there = Filter(kinds=("turn",), scope=memory.scope, as_of=memory.valid_from)
            self.known[memory.id] = (
                vectors,
                [store.find_vectors(vector, there, self.tells).rows.tolist() for vector in vectors],
            )
        return self.known[memory.id]
