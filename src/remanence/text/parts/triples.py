"""What events relate, as records of kind "triple" that cite where it is said."""

from collections.abc import Iterable

from remanence.lm.base import Base as LM
from remanence.records import Event, Record, Source


def triples(lm: LM, events: Iterable[Event]) -> list[Record]:
    """One record a triple, in the order they are said."""
    found = []
    for event in events:
        for said in lm.triples(event.text, speaker=event.speaker):
            start, end = (said.start, said.end) if said.end > said.start else (0, len(event.text))
            found.append(triple(event, (said.subject, said.relation, said.object), start, end))
    return found


def triple(event: Event, parts: tuple[str, str, str], start: int, end: int) -> Record:
    """Subject, relation and object stand in `meta` too, as they came: a relation may have "_" for spaces."""
    subject, relation, thing = parts
    return Record(
        "triple",
        f"{subject} {relation.replace('_', ' ')} {thing}".strip(),
        event.at,
        sources=(Source(event.id, start, end),),
        speaker=event.speaker,
        session=event.session,
        scope=event.scope,
        meta={"subject": subject, "relation": relation, "object": thing},
    )
