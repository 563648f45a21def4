"""Retrieval repeated with what was noted so far, until a round adds nothing worth noting.

Source:  "Retriever-and-Memory: Towards Adaptive Note-Enhanced Retrieval-Augmented Generation", Wang et al. 2024
         (arXiv 2410.08821), Adaptive-Note.
Idea:    a note gathers what is known of the question; each round asks a new question of the memory, made from what the
         note holds and the question does not; a round whose texts do not better the note is a failure, and after
         `patience` failures, or `rounds`, it stops.
Cost:    write one embedding; read `rounds` searches and one judgement of `per_round` texts each.
Differs: the note is the list of the turns that help, not a text rewritten by a model, so that every hit stands as it
         was said and cites its source; a turn helps when the model calls it relevant to the question or to the question
         of the round. The new question is the old one and the note's keywords.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from remanence.lm.base import Base as LM
from remanence.records import Event, Hit, Op, Query, Record
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import asked
from remanence.text.parts.pool import pool
from remanence.text.parts.segment import turns


@dataclass
class AdaptiveNote(Base):
    derives: ClassVar[str] = "turns"

    lm: LM
    rounds: int = 4  # paper: at most so many steps
    patience: int = 1  # paper: so many steps that better nothing
    per_round: int = 5  # paper: passages a step
    keywords: int = 4  # of the note, put to the memory beside the question
    decay: float = 0.8  # what a round counts beside the one before it

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return turns(events)

    def read(self, query: Query, store: Store) -> list[Hit]:
        noted: dict[int, Hit] = {}
        question, failures = query.text, 0
        for step in range(self.rounds):
            news = self._look(question, query, store, noted, self.decay**step)
            helpful = [hit for row, hit in news.items() if hit.why.get("helps")]
            noted |= news
            failures += not helpful
            if not news or failures > self.patience:
                break
            question = self._next(query.text, [hit.record for hit in noted.values() if hit.why.get("helps")])
        found = sorted(noted.values(), key=lambda hit: -hit.score)
        return found[: query.k] if len(found) >= query.k else found + self._rest(query, store, noted, found)

    def _look(self, question: str, query: Query, store: Store, noted: dict[int, Hit], weight: float) -> dict[int, Hit]:
        """The best turns of a round that are not noted yet, with how much they help."""
        about = asked(question, store.names("speaker"), query.now)
        found = pool(about, query.filter, store, max(query.k, self.per_round) + len(noted))
        fresh = [(row, score) for row, score in zip(found.rows.tolist(), found.scores.tolist(), strict=True)]
        fresh = [(row, score) for row, score in fresh if row not in noted][: self.per_round]
        records = store.read([row for row, _ in fresh])
        useful = self.lm.relevant(question, [record.text for record in records.values()]) if records else []
        scores = dict(fresh)
        return {
            row: _hit(record, weight * scores[row], weight * use)
            for (row, record), use in zip(records.items(), useful, strict=True)
        }

    def _next(self, question: str, note: list[Record]) -> str:
        """The question of the next round: what the note is about, added to what was asked."""
        words = self.lm.keywords(" ".join(record.text for record in note), n=2 * self.keywords) if note else []
        new = [word for word in words if word.casefold() not in question.casefold()]
        return " ".join([question, *new[: self.keywords]])

    def _rest(self, query: Query, store: Store, noted: dict[int, Hit], found: list[Hit]) -> list[Hit]:
        """Fewer were noted than asked for: the next best of the plain question, under everything noted."""
        about = asked(query.text, store.names("speaker"), query.now)
        plain = pool(about, query.filter, store, query.k + len(noted))
        rows = [row for row in plain.rows.tolist() if row not in noted][: query.k - len(found)]
        floor = min((hit.score for hit in found), default=0.0)
        top = float(plain.scores[0]) if len(plain.scores) else 0.0
        scores = dict(zip(plain.rows.tolist(), plain.scores.tolist(), strict=True))
        records = store.read(rows)
        return [Hit(record, s := floor - (top - scores[row]), {"search": s}) for row, record in records.items()]


def _hit(record: Record, score: float, helps: float) -> Hit:
    why = {"search": score, "helps": helps} if helps else {"search": score}
    return Hit(record, sum(why.values()), why)
