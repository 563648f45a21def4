"""Events, records and operations as JSON objects and back, nothing lost.

Names of fields are those of `remanence.records`, except that the four of a scope stand beside the others. A field
that is empty is left out.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, cast, get_args

from remanence.errors import BadInput, one_of
from remanence.formats.base import Item
from remanence.formats.parts.json_values import shallow, string, table
from remanence.records import Channel, Event, Link, Op, OpKind, Record, Scope, Source, utc, whole

SCOPE = ("user", "agent", "run", "app")
LARGEST = 2**63  # what a store can hold of a whole number


def to_json(item: Item) -> dict[str, Any]:
    """The JSON object of an event, a record or an operation; its `type` says which."""
    if isinstance(item, Event):
        return event_to_json(item)
    return record_to_json(item) if isinstance(item, Record) else op_to_json(item)


def from_json(data: dict[str, Any]) -> Item:
    """The inverse of `to_json`. BadInput where a field is missing or is not what it should be."""
    read = {"event": event_from_json, "record": record_from_json, "op": op_from_json}
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in read:
        raise BadInput(one_of("type of line", str(kind), read))
    return cast("Item", read[kind](data))


def event_to_json(event: Event) -> dict[str, Any]:
    said = {"type": "event", "id": event.id, "at": event.at.isoformat(), "text": event.text, "speaker": event.speaker}
    said |= {"role": event.role, "session": event.session, "channel": event.channel, **_scope(event.scope)}
    return _given({**said, "meta": dict(event.meta), "recorded_at": event.recorded_at.isoformat()})


def event_from_json(data: dict[str, Any]) -> Event:
    event = Event(
        text=_text(data, "text"),
        at=_needed(data, "at"),
        speaker=_text(data, "speaker"),
        role=_text(data, "role"),
        session=_text(data, "session"),
        scope=_scope_of(data),
        channel=cast("Channel", _text(data, "channel") or "user"),  # which it checks itself
        meta=_meta(data),
    )
    recorded = _time(data, "recorded_at")
    return replace(event, recorded_at=recorded) if recorded else event


def record_to_json(record: Record) -> dict[str, Any]:
    said: dict[str, Any] = {"type": "record", "id": record.id, "kind": record.kind, "text": record.text}
    said |= {"valid_from": record.valid_from.isoformat(), "valid_to": _iso(record.valid_to)}
    said |= {"sources": [[s.event, s.start, s.end] for s in record.sources], "key": record.key}
    said |= {"speaker": record.speaker, "session": record.session, **_scope(record.scope), "meta": dict(record.meta)}
    said |= {"superseded_by": record.superseded_by, "strength": record.strength, "reads": record.reads}
    said |= {"last_read": _iso(record.last_read), "made_by": record.made_by}
    return _given({**said, "links": [[link.record, link.relation, link.weight] for link in record.links]})


def record_from_json(data: dict[str, Any]) -> Record:
    try:
        sources = tuple(Source(string(event), int(start), int(end)) for event, start, end in data.get("sources", ()))
        links = tuple(Link(string(to), string(name), float(weight)) for to, name, weight in data.get("links", ()))
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"a source is [event, start, end] and a link [record, relation, weight]: {error}") from None
    return Record(
        kind=_text(data, "kind"),
        text=_text(data, "text"),
        key=_text(data, "key"),
        speaker=_text(data, "speaker"),
        session=_text(data, "session"),
        valid_from=_needed(data, "valid_from"),
        valid_to=_time(data, "valid_to"),
        sources=sources,
        scope=_scope_of(data),
        meta=_meta(data),
        superseded_by=_text(data, "superseded_by"),
        made_by=_text(data, "made_by"),
        strength=_number(data, "strength", 1.0),
        reads=_count(data, "reads"),
        last_read=_time(data, "last_read"),
        links=links,
    )


def op_to_json(op: Op) -> dict[str, Any]:
    said: dict[str, Any] = {"type": "op", "id": op.id, "kind": op.kind, "record": op.record, "other": op.other}
    said |= {"relation": op.relation, "value": op.value, "at": _iso(op.at), "read": op.read, "why": op.why}
    said |= {"recorded_at": _iso(op.recorded_at), "made_by": op.made_by, "undoes": op.undoes}
    return _given({**said, "new": record_to_json(op.new) if op.new else None})


def op_from_json(data: dict[str, Any]) -> Op:
    kind = _text(data, "kind")
    if kind not in get_args(OpKind):
        raise BadInput(one_of("kind of operation", kind, get_args(OpKind)))
    return Op(
        cast("OpKind", kind),
        record=_text(data, "record"),
        other=_text(data, "other"),
        relation=_text(data, "relation"),
        why=_text(data, "why"),
        made_by=_text(data, "made_by"),
        value=_number(data, "value", 0.0) if "value" in data else None,
        at=_time(data, "at"),
        read=data.get("read") is True,
        new=record_from_json(table(data["new"])) if "new" in data else None,
        id=_count(data, "id"),
        recorded_at=_time(data, "recorded_at"),
        undoes=_count(data, "undoes"),
    )


def _given(said: dict[str, Any]) -> dict[str, Any]:
    """What was said: 0 is, "" and None are not."""
    return {name: value for name, value in said.items() if value not in ("", None, [], {}) and value is not False}


def _scope(scope: Scope) -> dict[str, str]:
    return {name: getattr(scope, name) for name in SCOPE}


def _scope_of(data: dict[str, Any]) -> Scope:
    return Scope(**{name: _text(data, name) for name in SCOPE})


def _iso(when: datetime | None) -> str:
    return when.isoformat() if when else ""


def _time(data: dict[str, Any], name: str) -> datetime | None:
    return utc(data[name]) if name in data else None


def _needed(data: dict[str, Any], name: str) -> datetime:
    when = _time(data, name)
    if when is None:
        raise BadInput(f"{data.get('type', 'this')} needs a time called {name!r}")
    return when


def _meta(data: dict[str, Any]) -> dict[str, Any]:
    meta = data.get("meta", {})
    if not isinstance(meta, dict):
        raise BadInput(f"'meta' must be an object, got {type(meta).__name__}")
    return shallow(meta)


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name, "")
    if not isinstance(value, str):
        raise BadInput(f"{name!r} must be text, got {type(value).__name__}")
    return whole(value)


def _number(data: dict[str, Any], name: str, default: float) -> float:
    value = data.get(name, default)
    try:
        if not isinstance(value, bool | str):
            return float(value)
    except (TypeError, OverflowError):
        pass
    raise BadInput(f"{name!r} must be a number, got {value!r:.40}")


def _count(data: dict[str, Any], name: str) -> int:
    value = data.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST:
        raise BadInput(f"{name!r} must be a whole number, got {value!r:.40}")
    return value
