"""What events say, as records of kind "fact": one sentence each, that stands alone and cites its span."""

from collections.abc import Iterable

from remanence.lm.base import Base as LM
from remanence.lm.base import Fact
from remanence.records import Event, Record, Source


def facts(lm: LM, events: Iterable[Event]) -> list[Record]:
    """In the order they are said. Subject, relation and object stand in `meta` where the model gave them."""
    return [
        record(event, fact) for event in events for fact in lm.facts(event.text, speaker=event.speaker, at=event.at)
    ]


def record(event: Event, fact: Fact) -> Record:
    """A fact is known, and so holds, from when it was said; a time that it names stands in `meta` as "at"."""
    named = fact.at.isoformat() if fact.at and fact.at != event.at else ""
    said = {"subject": fact.subject, "relation": fact.relation, "object": fact.object, "at": named}
    return Record(
        "fact",
        fact.text,
        event.at,
        sources=(Source(event.id, fact.start, fact.end),),
        speaker=event.speaker,
        session=event.session,
        scope=event.scope,
        meta={name: text for name, text in said.items() if text},
    )
