"""Events kept for a framework, and what was derived from them out of the way once they no longer count.

What a framework takes back is never removed: that it did is an event as well, so that deriving everything anew, or
importing the events elsewhere, arrives at the same state. `erase` removes for good.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from remanence.memory import Memory
from remanence.plain import event_of
from remanence.records import NOTHING, Channel, Event

TICK = timedelta(microseconds=1)  # what times are kept to
MANY = 100  # names or ids in one request


class Journal:
    """The events of one framework in a memory. `scope`: app, user, agent, run; each narrows what is seen."""

    def __init__(self, memory: Memory, **scope: str):
        self.memory, self.scope = memory, scope

    def said(self, *sessions: str, meta: Mapping[str, Any] = NOTHING) -> list[Event]:
        """The events, in order, of these sessions, or of all if none is named, with these entries of meta."""
        if len(sessions) <= MANY:
            which = ({"sessions": sessions} if sessions else {}) | ({"meta": dict(meta)} if meta else {})
            return list(self.memory.events(**which, **self.scope))
        batches = [self.said(*sessions[start : start + MANY]) for start in range(0, len(sessions), MANY)]
        return sorted(chain(*batches), key=lambda event: event.at)

    def event(self, text: str, at: datetime, session: str, *, channel: Channel = "import", **about: Any) -> Event:
        """One that may hold blanks alone: it is named after its session then."""
        named = text if text.strip() else session.strip() or "(blank)"
        return event_of(named, at=at, session=session, channel=channel, **about, **self.scope)

    def keep(self, events: Sequence[Event], *, found: bool = True) -> None:
        """Keep events; unless they are to be found by a search, put away at once what they gave."""
        if events:
            self.memory.add_many(events)
        if not found:
            self.put_away(events)

    def put_away(self, events: Iterable[Event]) -> None:
        """Forget what these events gave: no search finds it, and it is still there."""
        ids = [event.id for event in events]
        for start in range(0, len(ids), MANY):
            for record in list(self.memory.records(events=ids[start : start + MANY], **self.scope)):
                self.memory.forget(record.id)


def after(events: Sequence[Event]) -> datetime:
    """Now, or a tick after the last of these events where the clock stands still or was put back."""
    now = datetime.now(UTC)
    return max(now, events[-1].at + TICK) if events else now
