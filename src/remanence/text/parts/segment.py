"""Events cut into the turns that are recalled: a message is one turn, a long text several of at most `LONGEST`.

A cut falls after a paragraph, else a line, else a sentence, else a word; only white space at the ends is dropped.
"""

import re
from collections.abc import Iterable, Iterator

from remanence.records import Event, Op, Record, Source, add

LONGEST = 2000  # characters; about 500 tokens, so that a handful fits a prompt
BREAKS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?。！？])\s"), re.compile(r"\s"))


def spans(text: str, longest: int = LONGEST) -> Iterator[tuple[int, int]]:
    """(start, end) of each piece, in order, without white space at either end."""
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= longest else start + _cut(text[start : start + longest])
        piece = text[start:end]
        left, right = start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
        if left < right:
            yield left, right
        start = end


def turns(events: Iterable[Event]) -> list[Op]:
    """The ops that add every turn of these events."""
    return [add(turn(event, start, end)) for event in events for start, end in spans(event.text)]


def turn(event: Event, start: int, end: int) -> Record:
    return Record(
        "turn",
        event.text[start:end],
        event.at,
        sources=(Source(event.id, start, end),),
        speaker=event.speaker,
        session=event.session,
        scope=event.scope,
    )


def _cut(piece: str) -> int:
    """Where to end a piece that is too long: at the last good break in its second half, else at its end."""
    for pattern in BREAKS:
        found = [match.end() for match in pattern.finditer(piece, len(piece) // 2)]
        if found:
            return found[-1]
    return len(piece)
