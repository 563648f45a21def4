"""Plain values, as people and programs give them, made into events and filters; what is not known is named."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from remanence.errors import BadConfig, one_of
from remanence.records import Event, Filter, Scope, utc


def event_of(text: str, *, at: datetime | str | None = None, **about: Any) -> Event:
    """An event from plain values, as `Memory.add` takes them."""
    scope = Scope(**{f.name: about.pop(f.name) for f in fields(Scope) if f.name in about})
    _known(about, Event, "field of an event", {"text", "at", "scope", "recorded_at"})
    return Event(text, datetime.now(UTC) if at is None else utc(at), scope=scope, **about)


def filter_of(**which: Any) -> Filter:
    """A filter from plain values: one value where several may stand, dates as text."""
    _known(which, Filter, "filter", set())
    for name in ("kinds", "speakers", "sessions", "channels"):
        if isinstance(which.get(name), str):
            which[name] = (which[name],)
        elif name in which:
            which[name] = tuple(which[name])
    if which.get("between") is not None:
        start, end = which["between"]
        which["between"] = (utc(start), utc(end))
    if which.get("as_of") is not None:
        which["as_of"] = utc(which["as_of"])
    return Filter(**which)


def _known(given: dict[str, Any], of: type[Any], what: str, hidden: set[str]) -> None:
    known = {field.name for field in fields(of)} - hidden
    for name in given:
        if name not in known:
            raise BadConfig(one_of(what, name, known))
