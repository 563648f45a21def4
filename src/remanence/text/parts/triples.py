"""What events relate, as records of kind "triple" that cite where it is said."""

from collections.abc import Iterable

from remanence.lm.base import Base as LM
from remanence.records import Event, Record, Source


def triples(lm: LM, events: Iterable[Event]) -> list[Record]:
    """One record a triple, in the order they are said; subject, relation and object stand in `meta`."""
    found = []
    for event in events:
        for triple in lm.triples(event.text, speaker=event.speaker):
            start, end = (triple.start, triple.end) if triple.end > triple.start else (0, len(event.text))
            found.append(
                Record(
                    "triple",
                    f"{triple.subject} {triple.relation.replace('_', ' ')} {triple.object}".strip(),
                    event.at,
                    sources=(Source(event.id, start, end),),
                    speaker=event.speaker,
                    session=event.session,
                    scope=event.scope,
                    meta={"subject": triple.subject, "relation": triple.relation, "object": triple.object},
                )
            )
    return found
