"""Turns found by the single facts they state: the unit that is searched is a proposition.

Source:  "Dense X Retrieval: What Retrieval Granularity Should We Use?", Chen, Wang, Chen, Yu, Ma, Zhao, Zhang, Yu 2024
         (arXiv 2312.06648).
Idea:    a passage that says several things has a vector between them all; a proposition, one fact in a sentence that
         stands alone, has a vector of its own. A passage is as good as its best proposition.
Cost:    write one question (`facts`) a turn, one embedding a proposition; read a few scans of vectors; no model calls.
Differs: the model handed in makes the propositions; the paper trains one for it. With Rules a sentence or clause is
         one, and its pronouns mostly stay. A piece of text that states nothing is kept whole as one proposition.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Hit, Op, Query, Record, Source, add
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import vector_of
from remanence.text.parts.kinds import only
from remanence.text.parts.passages import Passage, once
from remanence.text.parts.ranked import hits, widening
from remanence.text.parts.segment import spans


@dataclass
class Propositions(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    ahead: int = 3  # propositions looked at for each passage wanted; four times as many while that is too few

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return [add(proposition) for event in events for proposition in self._propositions(event)]

    def read(self, query: Query, store: Store) -> list[Hit]:
        """The best proposition of each of the k best passages."""
        vector = vector_of(query, store)
        best: dict[Passage, Hit] = {}
        for found in widening(vector, only(query.filter, "proposition"), store, query.k * self.ahead):
            best = once(hits(found, store, "dense"))
            if len(best) >= query.k:
                break
        return list(best.values())[: query.k]

    def _propositions(self, event: Event) -> list[Record]:
        """What the event says, and each piece of it in which nothing was found to be said."""
        facts = self.lm.facts(event.text, speaker=event.speaker, at=event.at)
        said = [_record(event, fact.text, fact.start, fact.end) for fact in facts if fact.text.strip()]
        mute = [
            (start, end)
            for start, end in spans(event.text)
            if not any(source.start < end and start < source.end for record in said for source in record.sources)
        ]
        return said + [_record(event, event.text[start:end], start, end) for start, end in mute]


def _record(event: Event, text: str, start: int, end: int) -> Record:
    """It holds from when it was said: a date it names is part of its text."""
    return Record(
        "proposition",
        text,
        event.at,
        sources=(Source(event.id, start, end),),
        speaker=event.speaker,
        session=event.session,
        scope=event.scope,
    )
