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
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Filter, Hit, Op, Query, Record, add
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import asked
from remanence.text.parts.kinds import only
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import turns

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
        said = sorted(store.records(Filter(kinds=("turn",))), key=_talk)
        ops: list[Op] = []
        for scope, theirs in groupby(said, key=lambda turn: turn.scope):
            for session in self._over(list(theirs), held.get(scope), now):
                if (new := self._next(session, held.get(scope))) is None:
                    continue
                ops.append(add(new))
                if old := held.get(scope):
                    ops.append(Op("link", new.id, other=old.id, relation="previous"))
                    ops.append(Op("supersede", old.id, other=new.id, at=new.valid_from, why="the next session is over"))
                held[scope] = new
        return ops

    def read(self, query: Query, store: Store) -> list[Hit]:
        vector = store.embedder.embed([asked(query.text, store.names("speaker"), query.now).bare])[0]
        if "summary" in query.filter.kinds:
            return hits(store.find_vectors(vector, query.filter, query.k), store, "dense")
        allowed = only(query.filter, "turn")
        near = store.find_vectors(vector, allowed, max(self.candidates, query.k))
        lifted = self._lifted(vector, query, store)
        rows = np.union1d(near.rows, np.array(list(lifted), dtype=np.int64))
        rows = rows[store.allowed(rows, allowed)]
        whys = {
            row: {"dense": cosine, **({"memory": lifted[row]} if row in lifted else {})}
            for row, cosine in zip(rows.tolist(), store.similarity(vector, rows).tolist(), strict=True)
        }
        best = sorted(whys, key=lambda row: -sum(whys[row].values()))[: query.k]
        return [Hit(record, sum(whys[row].values()), whys[row]) for row, record in store.read(best).items()]

    def _over(self, said: Sequence[Record], held: Record | None, now: datetime) -> list[list[Record]]:
        """What each session that is over says beyond the memory held, in the order they ended; `said` by time."""
        sessions: dict[tuple[str, int], list[Record]] = {}
        idle, streams = timedelta(seconds=self.idle), 0
        for before, turn in zip([None, *said], said, strict=False):
            streams += not turn.session and before is not None and turn.valid_from - before.valid_from >= idle
            sessions.setdefault((turn.session, 0 if turn.session else streams), []).append(turn)
        latest = max(session[0].valid_from for session in sessions.values())
        known = {source.event for source in held.sources} if held else set()
        new: list[list[Record]] = []
        for session in sorted(sessions.values(), key=lambda session: session[-1].valid_from):
            last = session[-1].valid_from
            fresh = [turn for turn in session if turn.sources[0].event not in known]
            if fresh and (latest > last or now - last >= idle):
                new.append(fresh)
        return new

    def _next(self, session: Sequence[Record], held: Record | None) -> Record | None:
        """M_i of the session and M_i-1; None when the model finds nothing to keep."""
        lines = [f"{turn.speaker}: {turn.text}" if turn.speaker else turn.text for turn in session]
        text = self.lm.summary(lines, previous=held.text if held else "", words=self.words)
        if not text.strip():
            return None
        sources = [*(held.sources if held else ()), *(source for turn in session for source in turn.sources)]
        began = max(session[-1].valid_from, held.valid_from) if held else session[-1].valid_from
        return Record("summary", text, began, sources=tuple(dict.fromkeys(sources)), scope=session[0].scope)

    def _lifted(self, vector: NDArray[np.float32], query: Query, store: Store) -> dict[int, float]:
        """What the memories of those the question may be about lend to turns, by row."""
        asked_of = replace(
            query.filter, kinds=("summary",), speakers=(), sessions=(), channels=(), between=None, meta={}
        )
        lifted: dict[int, float] = {}
        for memory in store.read(store.find_vectors(vector, asked_of, self.memories).rows.tolist()).values():
            vectors, told = self._told(memory, store)
            for cosine, rows in zip((vectors @ vector).tolist(), told, strict=True):
                for row in rows if cosine > 0 else ():
                    lifted[row] = max(lifted.get(row, 0.0), self.memory * cosine)
        return lifted

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


def _talk(turn: Record) -> tuple[tuple[str, ...], datetime]:
    return astuple(turn.scope), turn.valid_from
