"""The default: every cheap sign that a turn answers, added up, each with its share of the score.

Source:  ours. Its parts: BM25 (Robertson, Zaragoza 2009), dense retrieval (Karpukhin et al. 2020), a weighted sum of
         normalised scores instead of rank fusion (Bruch, Gai, Ingber 2023, arXiv 2210.11934).
Idea:    what is said is understood from the turns around it: a turn borrows from its neighbours, more from the question
         it replies to, and from the best turn of its session; who and when the question names weigh in. What holds now
         is told by the facts that turns state: a turn that no longer holds is still found, behind what replaced it.
Cost:    write one embedding and the facts of each turn, by rules; read one scan of vectors, one of words, 120 texts and
         the links of k turns: 8 ms at 100k turns; no model.

    score = dense + words                      of the turn itself (its content), over the mean of the candidates
          + near * content of each of the four turns around it
          + reply * content of the turn before, when that one asks
          + session * the best content in its session
          + speaker, when it was said by the one person named
          - question, when it asks itself
          + time, when it was said in a period the question names; + dated, when the answer is a time and it names one
          + fact * likeness of a fact that it told and that holds, over the mean of the nearest
          + replaces: what it lacks to stand before the best of those turns whose facts ended, and whose place it takes

The weights were tuned on five LoCoMo conversations and hold on the five others (docs/LOG.md).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from remanence.embed.base import Vectors
from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Filter, Hit, Op, Query
from remanence.store.base import Base as Store
from remanence.store.base import Columns, Ranked, Rows
from remanence.text.base import Base
from remanence.text.parts.asked import Asked, asked
from remanence.text.parts.english.closeness import closeness
from remanence.text.parts.revision.current import put_before, replaced, told
from remanence.text.parts.revision.statements import stated
from remanence.text.parts.segment import turns
from remanence.text.parts.slots import Slots

STEPS = (-2, -1, 1, 2)
LEAST = timedelta(microseconds=1)
TIME_WORD = re.compile(
    r"\b(yesterday|today|tonight|tomorrow|last|next|ago|weeks?|weekend|months?|years?|days?|night|morning|recently|soon"
    r"|since|(mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august|september|october"
    r"|november|december|(19|20)\d\d)\b",
    re.IGNORECASE,
)
Parts = dict[str, NDArray[np.float32]]


@dataclass
class Hybrid(Base):
    derives: ClassVar[str] = "turns"  # with facts beside them (see parts/revision/statements.py)
    version: ClassVar[int] = 2

    candidates: int = 200  # asked of words and of vectors each
    read_closely: int = 120  # of the best, so many are read for what only their text tells
    dense: float = 1.0
    words: float = 0.5
    near: float = 0.2
    reply: float = 0.5
    session: float = 1.0
    speaker: float = 0.35
    question: float = 0.3
    time: float = 1.3
    dated: float = 0.7
    facts: int = 20  # the nearest to the question; while there are fewer, little can stand out among them
    fact: float = 2.0
    reader: LM = field(default_factory=Rules, init=False, repr=False, compare=False)  # who finds the facts in turns
    slots: Slots = field(default_factory=Slots, init=False, repr=False, compare=False)

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        said = turns(events)
        return said + stated(events, [op.new for op in said if op.new], self.reader, self.slots, store)

    def read(self, query: Query, store: Store) -> list[Hit]:
        about = asked(query.text, store.names("speaker"), query.now)
        moment = _moment(about, query)
        rows, content = self._content(about, query, moment, store)
        if not len(rows):
            return []
        known = store.columns(rows)
        around = _positions(rows, store.neighbours(rows, STEPS))
        parts = content | self._context(content["dense"] + content["words"], known, around)
        if len(about.who) == 1:
            said = known.speaker == store.number("speaker", about.who[0])
            parts["speaker"] = self.speaker * said.astype(np.float32)
        if about.spans:
            parts["time"] = self.time * closeness(known.at, about.spans)
        best = np.argsort(-_total(parts), kind="stable")[: max(self.read_closely, query.k)]
        parts = self._read_closely(parts, best, rows, around, about, store)
        best = best[np.argsort(-_total(parts)[best], kind="stable")][: query.k]
        whys = {int(rows[i]): _why(parts, i) for i in best.tolist()}
        pairs = replaced(rows[best], moment, _turns(query.filter), store)
        for row in {new for _, new in pairs} - whys.keys():
            i = int(_positions(rows, np.array([row]))[0])
            whys[row] = _why(parts, i) if i >= 0 else {}
        put_before(whys, pairs)
        first = sorted(whys, key=lambda row: -sum(whys[row].values()))[: query.k]
        return [Hit(record, sum(whys[row].values()), whys[row]) for row, record in store.read(first).items()]

    def _content(self, about: Asked, query: Query, moment: datetime, store: Store) -> tuple[Rows, Parts]:
        """The candidates, with what they and their neighbours say to the question."""
        has_facts = store.number("kind", "fact") >= 0
        vector, *whole = store.embedder.embed([about.bare, about.text] if has_facts else [about.bare])
        by_words = store.find_words(about.terms, query.filter, self.candidates)
        by_vector = store.find_vectors(vector, query.filter, max(self.candidates, query.k))
        by_fact = self._told(whole[0], replace(query.filter, as_of=moment), store) if has_facts else {}
        found = np.union1d(np.union1d(by_words.rows, by_vector.rows), [*by_fact]).astype(np.int64)
        rows = np.union1d(found, store.neighbours(found, STEPS).ravel())
        rows = rows[rows > 0]
        rows = rows[store.allowed(rows, _turns(query.filter))]
        dense = self.dense * store.similarity(vector, rows)
        words = np.zeros(len(rows), dtype=np.float32)
        if len(by_words.rows):
            held = np.isin(by_words.rows, rows)
            words[np.searchsorted(rows, by_words.rows[held])] = by_words.scores[held] / by_words.scores[0] * self.words
        mean = (dense + words).mean() if len(rows) else 0.0
        fact = np.array([by_fact.get(row, 0.0) for row in rows.tolist()], dtype=np.float32)
        return rows, {"dense": dense - mean, "words": words, "fact": fact}

    def _told(self, vector: Vectors, holds: Filter, store: Store) -> dict[int, float]:
        """The turns that told the facts nearest to the question, and by how much these stand out among the nearest."""
        found = store.find_vectors(vector, replace(holds, kinds=("fact",)), self.facts)
        if not len(found.rows):
            return {}
        stands_out = np.maximum(found.scores - found.scores.mean(), 0) * (len(found.rows) / self.facts)
        return told(Ranked(found.rows, self.fact * stands_out.astype(np.float32)), store)

    def _context(self, content: NDArray[np.float32], known: Columns, around: NDArray[np.intp]) -> Parts:
        """What the turns around and the rest of the session lend. `around` is -1 where there is no candidate."""
        lent = np.where(around >= 0, content[around], 0).sum(axis=1)
        _, session = np.unique(known.place >> 32, return_inverse=True)
        best = np.full(session.max() + 1, -np.inf, dtype=np.float32)
        np.maximum.at(best, session, content)
        return {"near": self.near * lent, "session": self.session * best[session]}

    def _read_closely(
        self, parts: Parts, best: NDArray[np.intp], rows: Rows, around: NDArray[np.intp], about: Asked, store: Store
    ) -> Parts:
        """Add what only the text tells, for the best so far: does it ask, is it a reply, does it name a time."""
        before = around[:, STEPS.index(-1)]
        wanted = np.union1d(best, before[best])
        wanted = wanted[wanted >= 0]
        texts = store.texts(rows[wanted].tolist())
        asks, dated = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
        for i in wanted.tolist():
            text = texts.get(int(rows[i]), "")
            asks[i] = text.rstrip().endswith("?")
            dated[i] = about.wants_time and bool(TIME_WORD.search(text))
        content = parts["dense"] + parts["words"]
        reply = np.where((before >= 0) & asks[before], content[before], 0)
        more = {"reply": self.reply * reply, "question": -self.question * asks, "dated": self.dated * dated}
        return parts | {name: part.astype(np.float32) for name, part in more.items()}


def _positions(rows: Rows, wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where the wanted rows stand in sorted rows, -1 for those that are not there."""
    at = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
    return np.where(rows[at] == wanted, at, -1)


def _turns(allowed: Filter) -> Filter:
    """Turns alone, unless another kind is asked for."""
    return replace(allowed, kinds=allowed.kinds or ("turn",))


def _why(parts: Parts, i: int) -> dict[str, float]:
    return {name: float(part[i]) for name, part in parts.items() if part[i]}


def _moment(about: Asked, query: Query) -> datetime:
    """When what is believed has to hold: now, or the end of the time asked for."""
    ends = [span.end for span in about.spans if span.relation == "in"]
    ends += [query.filter.between[1]] if query.filter.between else []
    return min([query.filter.as_of or query.now, *(end - LEAST for end in ends)])


def _total(parts: Parts) -> NDArray[np.float32]:
    total: NDArray[np.float32] = np.sum(list(parts.values()), axis=0, dtype=np.float32)
    return total
