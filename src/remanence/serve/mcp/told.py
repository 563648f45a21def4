"""What a tool tells: data for programs, and the same in few words for a model to read."""

from dataclasses import dataclass
from typing import Generic, NotRequired, TypeVar

from typing_extensions import TypedDict

from remanence.records import Hit, Record
from remanence.text.parts.render import line

Data = TypeVar("Data")


@dataclass(frozen=True)
class Told(Generic[Data]):
    data: Data
    text: str


class Shown(TypedDict):
    id: str
    text: str
    kind: str
    at: str
    until: NotRequired[str]
    speaker: NotRequired[str]
    user: NotRequired[str]
    score: NotRequired[float]


class Memories(TypedDict):
    memories: list[Shown]


def shown(record: Record) -> Shown:
    """A record without what only the library needs of it."""
    memory: Shown = {"id": record.id, "text": record.text, "kind": record.kind, "at": record.valid_from.isoformat()}
    if record.valid_to:
        memory["until"] = record.valid_to.isoformat()
    if record.speaker:
        memory["speaker"] = record.speaker
    if record.scope.user:
        memory["user"] = record.scope.user
    return memory


def scored(hit: Hit) -> Shown:
    memory = shown(hit.record)
    memory["score"] = round(float(hit.score), 4) or 0.0  # and no -0.0
    return memory


def lines(records: list[Record], none: str) -> str:
    """A line a memory, as in a prompt: when, who, what, and the id to name it by."""
    return "\n".join(line(record) for record in records) or none
