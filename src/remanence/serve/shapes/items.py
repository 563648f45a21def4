"""Events, records, operations and hits. A field that is empty is left out, so few are required."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Ids = list[str]


class Shape(BaseModel):
    """Answers may come to hold more; a client ignores what it does not know."""

    model_config = ConfigDict(extra="allow")


class Scoped(Shape):
    user: str = ""
    agent: str = ""
    run: str = ""
    app: str = ""


class EventShape(Scoped):
    """Something that happened, as it was said."""

    type: str = "event"
    id: str
    at: str
    text: str
    channel: str
    recorded_at: str
    speaker: str = ""
    role: str = ""
    session: str = ""
    meta: dict[str, Any] = {}


class RecordShape(Scoped):
    """A memory: what was derived from events, which it cites as [event, start, end].

    A link is [record, relation, weight].
    """

    type: str = "record"
    id: str
    kind: str
    text: str
    valid_from: str
    valid_to: str = ""
    key: str = ""
    speaker: str = ""
    session: str = ""
    meta: dict[str, Any] = {}
    sources: list[list[str | int]] = []
    links: list[list[str | float]] = []
    superseded_by: str = ""
    strength: float
    reads: int = 0
    last_read: str = ""
    made_by: str = ""


class HitShape(RecordShape):
    """A record that answered, its score, and what each signal added to it."""

    score: float
    why: dict[str, float]


class OpShape(Shape):
    """One change."""

    type: str = "op"
    id: int = 0
    kind: str
    record: str = ""
    other: str = ""
    relation: str = ""
    value: float | None = None
    at: str = ""
    read: bool = False
    why: str = ""
    recorded_at: str = ""
    made_by: str = ""
    undoes: int = 0
    new: RecordShape | None = None


class JobShape(Shape):
    """Work under way: `state` is waiting, running, done or failed."""

    id: str
    kind: str
    state: str
    done: int
    total: int | None = None
    result: dict[str, Any] | None = None
    error: str = ""
    created: str
    started: str = ""
    ended: str = ""
