"""Plain values, as people and programs give them, made into events and filters; what is not known is named."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from remanence.errors import BadConfig, BadInput, one_of
from remanence.records import Event, Filter, Scope, utc


def event_of(text: str, *, at: datetime | str | None = None, **about: Any) -> Event:
    """An event from plain values, as `Memory.add` takes them."""
    said = {f.name for f in fields(Scope)}
    _known(about, "field of an event", said | {f.name for f in fields(Event)} - {"text", "at", "scope", "recorded_at"})
    scope = Scope(**{name: about.pop(name) for name in said & about.keys()})
    return Event(text, datetime.now(UTC) if at is None else utc(at), scope=scope, **about)


def scope_of(**about: Any) -> Scope:
    """A scope from plain values, as `Memory.import_` takes them."""
    _known(about, "part of a scope", {f.name for f in fields(Scope)})
    return Scope(**about)


def in_scope(events: Iterable[Event], scope: Scope) -> Iterator[Event]:
    """These events, in this scope where they say none."""
    return (event if event.scope != Scope() else replace(event, scope=scope) for event in events)


def filter_of(**which: Any) -> Filter:
    """A filter from plain values: one value where several may stand, dates as text."""
    _known(which, "filter", {f.name for f in fields(Filter)})
    for name in ("kinds", "speakers", "sessions", "channels", "events"):
        if isinstance(which.get(name), str):
            which[name] = (which[name],)
        elif not isinstance(which.get(name, ()), Iterable):
            raise BadInput(f"{name} must be text, or a list of texts, got {which[name]!r}")
        elif name in which:
            which[name] = tuple(which[name])
    if which.get("between") is not None:
        if not isinstance(which["between"], list | tuple) or len(which["between"]) != 2:
            raise BadInput(f"between must be a start and an end, got {which['between']!r}")
        start, end = which["between"]
        which["between"] = (utc(start), utc(end))
    if which.get("as_of") is not None:
        which["as_of"] = utc(which["as_of"])
    return Filter(**which)


def _known(given: dict[str, Any], what: str, known: set[str]) -> None:
    for name in given:
        if name not in known:
            raise BadConfig(one_of(what, name, known))
