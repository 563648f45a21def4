"""Where a memory comes from: the spans it cites, each in its conversation with the turns around it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from remanence.errors import NotFound
from remanence.records import Event, Record, Source
from remanence.serve.access import Access
from remanence.serve.page.filters import FIRST, LAST

AROUND = 3  # turns before and after
MOST = 20  # events shown of a memory that cites many
SPANS = (timedelta(hours=1), timedelta(days=1), timedelta(days=60))  # how far is looked for turns, narrow first


@dataclass(frozen=True, slots=True)
class Turn:
    """`pieces` of an event's text, each with whether it is cited."""

    event: Event
    cited: bool
    pieces: list[tuple[str, bool]]


def places(record: Record, access: Access) -> list[list[Turn]]:
    """The conversations it cites, oldest first, the cited spans marked."""
    spans: dict[str, list[Source]] = {}
    for source in record.sources:
        spans.setdefault(source.event, []).append(source)
    shown: list[dict[str, Event]] = []
    for event in sorted(_events([*spans][:MOST], access), key=lambda event: event.at):
        near = {turn.id: turn for turn in conversation(event, access)}
        if shown and shown[-1].keys() & near.keys():
            shown[-1] |= near
        else:
            shown.append(near)
    return [[_turn(event, spans.get(event.id, [])) for event in place.values()] for place in shown]


def conversation(event: Event, access: Access, around: int = AROUND) -> list[Event]:
    """An event and the turns around it in its session."""
    here: list[Event] = [event]
    for span in SPANS:
        start, end = max(FIRST, event.at - span), min(LAST, event.at + span)
        which = access.which(sessions=(event.session,), scope=event.scope, between=(start, end))
        here = list(access.memory.events(**which))
        at = next((i for i, turn in enumerate(here) if turn.id == event.id), -1)
        if at < 0:
            return [event]
        if at >= around and len(here) - at > around:
            break
    at = next(i for i, turn in enumerate(here) if turn.id == event.id)
    return here[max(0, at - around) : at + around + 1]


def _events(ids: Sequence[str], access: Access) -> Iterable[Event]:
    for id in ids:
        try:
            yield access.event(id)
        except NotFound:  # of another user
            continue


def _turn(event: Event, spans: Sequence[Source]) -> Turn:
    edges = sorted({0, len(event.text), *(min(edge, len(event.text)) for s in spans for edge in (s.start, s.end))})
    pieces = [
        (event.text[start:end], any(s.start <= start and end <= s.end for s in spans)) for start, end in pairwise(edges)
    ]
    return Turn(event, bool(spans), pieces)
