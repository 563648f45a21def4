"""Things kept under a name, each of them what was last said of it.

Idea:    a name is a session, and its events are the versions of the thing: putting it again adds one, taking it away
         is one that says so, and what an older version gave is put away. Reading follows the events, not the records:
         whatever the method derives, what was put is there.
Cost:    putting and getting read the events of those names; looking at all reads all events of the scope, or those
         whose labels begin alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import Any, Literal

from remanence.integrations.parts.journal import Journal, after
from remanence.memory import Memory
from remanence.records import NOTHING, Channel, Event, Hit

Said = Literal["put", "touched", "gone"]
KIND, HIDDEN, BLANK = "shelf", "hidden", "blank"  # in an event's meta: which of these; no search finds it; its blanks
LABEL = "label "  # and each of its labels, by its place: what begins with the same ones is read without the others
MOST_HITS = 1000  # a server gives no more


@dataclass(frozen=True)
class Thing:
    """What is put under a name: texts, each of which can be found on its own, and what is kept beside them, as JSON."""

    name: str
    texts: Sequence[str]
    beside: Mapping[str, Any] = field(default_factory=dict)
    found: bool = True
    labels: Sequence[str] = ()

    @property
    def meta(self) -> dict[str, Any]:
        """What is kept beside the first text, which is found unless it is blank: an event needs words."""
        blank = not self.texts[0].strip()
        said = {**self.beside, **_labelled(self.labels)} | ({BLANK: self.texts[0]} if blank else {})
        return said if self.found and not blank else {**said, HIDDEN: True}


@dataclass(frozen=True)
class Held:
    """The last version of a thing: the events that said it, since when there is one, when it was put or touched."""

    name: str
    events: tuple[Event, ...]
    since: datetime
    touched: datetime

    def __getitem__(self, entry: str) -> Any:
        """What was put beside its texts."""
        return self.events[0].meta[entry]

    @property
    def text(self) -> str:
        """The first of its texts."""
        return str(self.events[0].meta.get(BLANK, self.events[0].text))

    @property
    def at(self) -> datetime:
        return self.events[0].at

    @property
    def labels(self) -> dict[str, str]:
        return {entry: label for entry, label in self.events[0].meta.items() if entry.startswith(LABEL)}

    @property
    def hidden(self) -> bool:
        return HIDDEN in self.events[0].meta


class Shelf:
    """Things under names in a memory. Safe to use from several threads."""

    def __init__(self, memory: Memory, channel: Channel = "import", /, **scope: str):
        self.journal, self.channel, self.lock = Journal(memory, **scope), channel, RLock()

    def get(self, *names: str) -> dict[str, Held]:
        """Those of these names that are there."""
        return _held(self.journal.said(*names)) if names else {}

    def all(self, labels: Sequence[str] = ()) -> dict[str, Held]:
        """Everything whose labels begin so, by name, in the order it came."""
        return _held(self.journal.said(meta=_labelled(labels)))

    def put(self, *things: Thing) -> None:
        """What these things are from now on. Of two under one name the last counts."""
        if not things:
            return
        named = {thing.name: thing for thing in things}
        with self.lock:
            before = self.journal.said(*named)
            at = after(before)
            events = {thing.name: self._versions(thing, at) for thing in named.values()}
            for hidden in (False, True):
                kept = [event for said in events.values() if (HIDDEN in said[0].meta) == hidden for event in said]
                self.journal.keep(kept, found=not hidden)
            self.journal.put_away(before)

    def take_away(self, *names: str) -> dict[str, Held]:
        """What they were until now, those that were there."""
        with self.lock:
            held = self._say("gone", names)
            self.journal.put_away(event for thing in held.values() for event in thing.events)
            return held

    def touch(self, *names: str) -> None:
        """Note that they were read."""
        with self.lock:
            self._say("touched", names)

    def find(self, question: str, k: int, among: Iterable[Held]) -> list[tuple[Held, Hit]]:
        """The k of these things that answer best, each with its best hit; those of the first thousand hits at most."""
        owner = {event.id: held for held in among if not held.hidden for event in held.events}
        found: dict[str, tuple[Held, Hit]] = {}
        if not owner:
            return []
        asked = min(k, MOST_HITS)
        while True:  # several hits may be of one thing
            hits = self.journal.memory.search(question, asked, events=[*owner], **self.journal.scope)
            for hit in hits:
                for source in hit.sources:
                    if (held := owner.get(source.event)) and held.name not in found:
                        found[held.name] = (held, hit)
            if len(found) >= k or len(hits) < asked or asked == MOST_HITS:
                return list(found.values())[:k]
            asked = min(4 * asked, MOST_HITS)

    def _say(self, said: Said, names: Sequence[str]) -> dict[str, Held]:
        before = self.journal.said(*names) if names else []
        held, at = _held(before), after(before)
        events = [self._event(name, f"{name} {said}", at, said, thing.labels) for name, thing in held.items()]
        self.journal.keep(events, found=False)
        return held

    def _versions(self, thing: Thing, at: datetime) -> list[Event]:
        labels = _labelled(thing.labels)
        about = [thing.meta, *({"part": n, **labels} for n in range(1, len(thing.texts)))]
        return [self._event(thing.name, text, at, "put", more) for text, more in zip(thing.texts, about, strict=True)]

    def _event(self, name: str, text: str, at: datetime, said: Said, beside: Mapping[str, Any] = NOTHING) -> Event:
        return self.journal.event(text, at, name, channel=self.channel, meta={KIND: said, **beside})


def _labelled(labels: Sequence[str]) -> dict[str, str]:
    return {f"{LABEL}{place}": label for place, label in enumerate(labels)}


def _held(events: Iterable[Event]) -> dict[str, Held]:
    """What the events leave, in their order. Those that somebody else said in such a session do not count."""
    held: dict[str, Held] = {}
    for event in events:
        name, said = event.session, event.meta.get(KIND)
        old = held.get(name)
        if said == "gone":
            held.pop(name, None)
        elif said == "touched" and old:
            held[name] = Held(name, old.events, old.since, event.at)
        elif said == "put" and old and old.at == event.at:
            held[name] = Held(name, (*old.events, event), old.since, event.at)
        elif said == "put":
            held[name] = Held(name, (event,), old.since if old else event.at, event.at)
    return held
