"""The values that travel: what happened, what was derived from it, what changed, what was found.

Ids are content hashes, 32 hex digits: the same event twice is one event, and deriving again gives the same records.
Times are aware datetimes in UTC. Everything is frozen.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal, get_args

from remanence.errors import BadInput, one_of

Channel = Literal["user", "assistant", "tool", "import"]
OpKind = Literal["add", "supersede", "merge", "link", "strengthen", "expire", "erase", "undo"]
NOTHING: Mapping[str, Any] = {}
USER = "user"  # who made what a person decided, and no method


def whole(text: str) -> str:
    """The text with each lone surrogate replaced by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if _has_surrogate(text) else text


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _tidy(value: Any, *names: str) -> None:
    """Refuse what is not text; replace halves of characters, which no encoding can hold."""
    for name in names:
        text = getattr(value, name)
        if not isinstance(text, str):
            raise BadInput(f"{name} must be text, got {text!r}")
        object.__setattr__(value, name, whole(text))


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose memory it is. An empty field means "not said"."""

    user: str = ""
    agent: str = ""
    run: str = ""
    app: str = ""

    def __post_init__(self) -> None:
        _tidy(self, "user", "agent", "run", "app")


@dataclass(frozen=True)
class Event:
    """Something that happened. Never changed once kept.

    `at` is when it happened, `recorded_at` when we were told; only the first is part of its identity.
    """

    text: str
    at: datetime
    speaker: str = ""
    role: str = ""
    session: str = ""
    scope: Scope = Scope()
    channel: Channel = "user"
    meta: Mapping[str, Any] = field(default_factory=dict)
    recorded_at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text.strip():
            raise BadInput(f"an event needs text, got {self.text!r}")
        if self.channel not in get_args(Channel):
            raise BadInput(one_of("channel", str(self.channel), get_args(Channel)))
        _tidy(self, "text", "speaker", "role", "session")
        object.__setattr__(self, "at", utc(self.at))
        object.__setattr__(self, "recorded_at", utc(self.recorded_at))
        _checked_meta(self.meta)

    @cached_property
    def id(self) -> str:
        s = self.scope
        said = (self.text, self.speaker, self.role, self.session, self.channel, s.user, s.agent, s.run, s.app)
        return digest(*said, self.at.isoformat(), _checked_meta(self.meta) if self.meta else "")


@dataclass(frozen=True, slots=True)
class Source:
    """A span of an event's text, in characters, end exclusive."""

    event: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Link:
    """From the record that holds it to another. `weight` is the method's own scale, 1 unless said."""

    record: str
    relation: str
    weight: float = 1.0


@dataclass(frozen=True)
class Record:
    """Something derived from events, which it cites.

    It holds from `valid_from` until `valid_to` (None: still holds). `key` is what is searched when that is not the
    text itself. `strength`, `reads` and `last_read` change as it is used; links grow; nothing else does.
    """

    kind: str
    text: str
    valid_from: datetime
    sources: tuple[Source, ...] = ()
    key: str = ""
    speaker: str = ""
    session: str = ""
    scope: Scope = Scope()
    meta: Mapping[str, Any] = field(default_factory=dict)
    valid_to: datetime | None = None
    superseded_by: str = ""
    strength: float = 1.0
    reads: int = 0
    last_read: datetime | None = None
    links: tuple[Link, ...] = field(default=(), compare=False)
    made_by: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.kind.isidentifier():
            raise BadInput(f"a record's kind is one word such as 'fact', got {self.kind!r}")
        _tidy(self, "text", "key", "speaker", "session")
        if not self.text.strip():
            raise BadInput(f"a record of kind {self.kind!r} needs text")
        if not math.isfinite(self.strength):
            raise BadInput(f"strength must be a finite number, got {self.strength}")
        if self.meta:
            _checked_meta(self.meta)

    @cached_property
    def id(self) -> str:
        spans = sorted({f"{s.event}:{s.start}:{s.end}" for s in self.sources})  # in whatever order they are cited
        s = self.scope
        return digest(self.kind, self.text, self.key, self.session, s.user, s.agent, s.run, s.app, *spans)


@dataclass(frozen=True, slots=True)
class Op:
    """One change, as a method proposes it and as the log keeps it.

    add         `new` comes in
    supersede   `record` stops holding at `at`, because of `other`
    merge       `record` is now said by `other`
    link        `record` points to `other` with `relation` and `value`
    strengthen  `record` has strength `value`; `read` says that being recalled was the reason
    expire      `record` is forgotten: no longer found, still kept
    erase       `record` and its text are gone for good
    undo        operation number `undoes` no longer holds
    """

    kind: OpKind
    record: str
    other: str = ""
    relation: str = ""
    value: float | None = None
    at: datetime | None = None
    read: bool = False
    why: str = ""
    new: Record | None = field(default=None, compare=False, repr=False)
    id: int = 0
    recorded_at: datetime | None = None
    made_by: str = ""
    undoes: int = 0


def add(record: Record, why: str = "") -> Op:
    """The op that brings a new record in."""
    return Op("add", record.id, new=record, why=why)


def taken_back(ops: Iterable[Op]) -> set[int]:
    """The numbers of those that were; what an undo took back holds again when the undo was undone."""
    undone: set[int] = set()
    for op in sorted(ops, key=lambda op: -op.id):
        if op.kind == "undo" and op.id not in undone:
            undone.add(op.undoes)
    return undone


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that answered a query, best first. `why` gives what each signal added to the score."""

    record: Record
    score: float
    why: Mapping[str, float] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def text(self) -> str:
        return self.record.text

    @property
    def at(self) -> datetime:
        return self.record.valid_from

    @property
    def sources(self) -> tuple[Source, ...]:
        return self.record.sources


@dataclass(frozen=True)
class Filter:
    """Which records may answer. Empty fields allow everything; several values of one field mean any of them.

    `between` keeps what began to hold inside [start, end). `as_of` answers as of that moment: what began later is
    not there yet, and what was replaced later still holds. `scope` allows that scope alone, where `user` allows every
    scope of that user, and no `user` allows everybody's. `events` are whole ids: those events, what cites any of them.
    """

    user: str = ""
    agent: str = ""
    run: str = ""
    app: str = ""
    kinds: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    between: tuple[datetime, datetime] | None = None
    as_of: datetime | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    scope: Scope | None = None
    events: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _tidy(self, "user", "agent", "run", "app")
        if self.between is not None:
            start, end = utc(self.between[0]), utc(self.between[1])
            if start >= end:
                raise BadInput(f"between needs a start before its end, got {start} and {end}")
            object.__setattr__(self, "between", (start, end))
        if self.as_of is not None:
            object.__setattr__(self, "as_of", utc(self.as_of))
        for channel in self.channels:
            if channel not in get_args(Channel):
                raise BadInput(one_of("channel", channel, get_args(Channel)))


@dataclass(frozen=True)
class Query:
    """A question put to a memory: at most `k` hits, as seen at `now`."""

    text: str
    k: int = 10
    filter: Filter = Filter()
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if self.k < 1:
            raise BadInput(f"k must be at least 1, got {self.k}")
        _tidy(self, "text")


def utc(when: datetime | str) -> datetime:
    """An aware UTC datetime from a datetime or ISO 8601 text. A naive one is taken as UTC."""
    try:
        when = datetime.fromisoformat(when) if isinstance(when, str) else when
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError, AttributeError) as error:
        raise BadInput(f"not a time: {when!r} ({error}); say it as 2024-04-02 or 2024-04-02T09:30:00+00:00") from None


def digest(*parts: str) -> str:
    """32 hex digits that name these strings in this order, and where one ends and the next begins."""
    return hashlib.blake2b("".join(f"{len(part)}:{part}" for part in parts).encode(), digest_size=16).hexdigest()


def _checked_meta(meta: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(meta), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"meta must be JSON: {error}") from None
