"""Sentences that are alike stand for the turns, rounds and sessions they were said in.

Source:  "SGMem: Sentence Graph Memory for Long-Term Conversational Agents", Wu, Zhang, Liang, Liu 2025
         (arXiv 2509.21212).
Idea:    a sentence is what a question matches; from those found, edges between like sentences lead to more; a chunk is
         worth the mean of its sentences that were reached, and what was generated, facts and summaries, ranks beside.
Cost:    write one embedding a sentence, one call a turn for its facts; consolidate one call a session; read one search
         and `sentences` more for each hop.
Differs: the graph is not stored: the nearest sentences that the question's filter allows are looked up when it is
         walked. Insights are not generated, and what was generated shares the k places (the paper: k of each kind). A
         chunk is recalled as its turns that were reached and those beside them.

    score(chunk) = mean over its reached sentences s of cos(question, s)
    reached      = the `sentences` nearest to the question whose cosine is `threshold` or more, and what `hops` steps,
                   from each sentence to its `neighbours` nearest, lead to
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from remanence.errors import BadConfig, one_of
from remanence.lm.base import Base as LM
from remanence.lm.rule.sentences import sentences
from remanence.lm.rules import Rules
from remanence.records import Event, Filter, Hit, Op, Query, Record, Source, add
from remanence.store.base import Base as Store
from remanence.store.base import Ranked, Rows
from remanence.text.base import Base
from remanence.text.parts.asked import vector_of
from remanence.text.parts.facts import facts
from remanence.text.parts.kinds import only
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import turns
from remanence.text.parts.sessions import line, renewed, unsummed, whole

SAID_IN = "said_in"  # the link from a sentence to its turn
GENERATED = ("fact", "summary")
Chunk = Literal["turn", "round", "session"]


@dataclass
class SGMem(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    chunk: Chunk = "turn"  # what sentences are averaged over; a round is two turns
    sentences: int = 15  # the paper's n: found by the question; k if that is more
    neighbours: int = 1  # the paper's k on LoCoMo, 3 on LongMemEval: edges of a sentence
    threshold: float = 0.2  # the paper's gamma - 1 on LoCoMo, 0 on LongMemEval: the least cosine with the question
    hops: int = 1  # the paper's h
    words: int = 80  # of a session's summary

    def __post_init__(self) -> None:
        if self.chunk not in get_args(Chunk):
            raise BadConfig(one_of("chunk", self.chunk, get_args(Chunk)))

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        said = turns(events)
        parts = [(part, turn) for op in said if (turn := op.new) for part in _sentences(turn)]
        known = [replace(fact, valid_from=event.at) for event in events for fact in facts(self.lm, [event])]
        links = [Op("link", part.id, other=turn.id, relation=SAID_IN) for part, turn in parts]
        return [*said, *(add(part) for part, _ in parts), *(add(fact) for fact in known), *links]

    def consolidate(self, store: Store, now: datetime) -> list[Op]:
        """Sum up the sessions that have turns not summed up yet."""
        ops: list[Op] = []
        for session, old in unsummed(store, "summary"):
            text = self.lm.summary([line(turn) for turn in session], words=self.words)
            if text.strip():
                ops += renewed(whole("summary", text, session), old)
        return ops

    def read(self, query: Query, store: Store) -> list[Hit]:
        vector = vector_of(query, store)
        reached = self._reached(vector, max(self.sentences, query.k), replace(query.filter, kinds=("sentence",)), store)
        found = self._chunks(vector, reached, query.filter, store)
        best = hits(Ranked(found.rows[: query.k], found.scores[: query.k]), store, "sentences")
        best += hits(store.find_vectors(vector, only(query.filter, *GENERATED), query.k), store, "dense")
        return sorted(best, key=lambda hit: -hit.score)[: query.k]

    def _reached(self, vector: NDArray[np.float32], n: int, allowed: Filter, store: Store) -> Rows:
        """The sentences nearest to the question, and those that edges lead to."""
        found = store.find_vectors(vector, allowed, n)
        reached = edge = np.sort(found.rows[found.scores >= self.threshold])
        for _ in range(self.hops if self.neighbours else 0):
            ends = [store.find_vectors(one, allowed, self.neighbours + 1).rows for one in store.vectors(edge)]
            edge = np.setdiff1d(np.concatenate([reached[:0], *ends]), reached)
            reached = np.union1d(reached, edge)
        return reached

    def _chunks(self, vector: NDArray[np.float32], reached: Rows, allowed: Filter, store: Store) -> Ranked:
        """Turns, best chunk first, each with the score of its chunk."""
        if not len(reached):
            return Ranked(reached, np.empty(0, dtype=np.float32))
        cosine = dict(zip(reached.tolist(), store.similarity(vector, reached).tolist(), strict=True))
        pairs = np.array([(row, turn) for row, turn, _, _ in store.linked(reached, SAID_IN)], dtype=np.int64)
        scores = np.array([cosine[row] for row in pairs[:, 0].tolist()], dtype=np.float32)
        names, which = np.unique(self._chunk(pairs[:, 1], store), return_inverse=True)
        means = (np.bincount(which, scores) / np.bincount(which)).astype(np.float32)
        rows = np.union1d(pairs[:, 1], store.neighbours(pairs[:, 1], (-1, 1)).ravel())
        rows = rows[rows > 0]
        rows = rows[store.allowed(rows, only(allowed, "turn"))]
        homes = self._chunk(rows, store)
        inside = np.isin(homes, names)
        rows, totals = rows[inside], means[np.searchsorted(names, homes[inside])]
        best = np.lexsort((rows, -totals))
        return Ranked(rows[best], totals[best])

    def _chunk(self, rows: Rows, store: Store) -> NDArray[np.int64]:
        """A number for the chunk that each turn belongs to."""
        place = store.columns(rows).place
        return {"turn": place, "round": (place - 1) >> 1, "session": place >> 32}[self.chunk]


def _sentences(turn: Record) -> list[Record]:
    """The sentences of a turn as records that cite their own span."""
    begin = turn.sources[0].start
    spans = sentences(turn.text) or [(0, len(turn.text))]
    cited = [(turn.text[a:b], Source(turn.sources[0].event, begin + a, begin + b)) for a, b in spans]
    return [replace(turn, kind="sentence", text=text, sources=(source,)) for text, source in cited]
