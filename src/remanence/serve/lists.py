"""Pages of long lists. A cursor holds where the last one stood, so what comes in meanwhile shifts nothing."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import dropwhile, islice
from typing import Any

from remanence.formats.parts.as_json import event_to_json, record_to_json
from remanence.plain import filter_of
from remanence.records import Event, utc
from remanence.serve import cursors
from remanence.serve.access import Access
from remanence.serve.problem import Problem
from remanence.serve.shapes.asked import Page

END = datetime.max.replace(tzinfo=UTC)


def page_of_records(access: Access, page: Page) -> dict[str, Any]:
    """Records in the order they were derived; a cursor holds the last one's row."""
    store, which = access.memory.store, access.which(**page.filter())
    epoch = store.epoch
    since = _number(cursors.read(page.cursor, {"of": "records"} | which, epoch))
    found = list(islice(store.records(filter_of(**which), made_since=since), page.limit + 1))
    shown = found[: page.limit]
    last = str(store.rows_of([shown[-1].id])[0]) if shown else ""
    return _page(list(map(record_to_json, shown)), len(found) > len(shown), last, {"of": "records"} | which, epoch)


def page_of_events(access: Access, page: Page) -> dict[str, Any]:
    """Events in the order they happened; a cursor holds the last one's time and id."""
    memory, which = access.memory, access.which(**page.filter())
    epoch = memory.store.epoch
    at, _, id = cursors.read(page.cursor, {"of": "events"} | which, epoch).partition(" ")
    found = list(islice(_behind(memory.events(**_from(which, at)), id), page.limit + 1))
    shown = found[: page.limit]
    last = f"{shown[-1].at.isoformat()} {shown[-1].id}" if shown else ""
    return _page(list(map(event_to_json, shown)), len(found) > len(shown), last, {"of": "events"} | which, epoch)


def _page(data: Sequence[dict[str, Any]], more: bool, last: str, which: dict[str, Any], epoch: str) -> dict[str, Any]:
    return {"data": data, "next_cursor": cursors.made(last, which, epoch) if more else None, "has_more": more}


def _number(position: str) -> int:
    try:
        return int(position or 0)
    except ValueError:
        raise Problem(400, "no cursor", "this is no cursor; take next_cursor from the page before") from None


def _from(which: dict[str, Any], at: str) -> dict[str, Any]:
    """The filter from this time on."""
    if not at:
        return which
    _, end = which.get("between") or (at, END)
    return which | {"between": (utc(at), utc(end))}


def _behind(events: Iterator[Event], id: str) -> Iterator[Event]:
    """What comes after the event with this id; several may have happened at one moment."""
    if not id:
        return events
    rest = dropwhile(lambda event: event.id != id, events)
    next(rest, None)
    return rest
