"""Keeping, listing and changing memories."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from remanence.serve.shapes.asked import MANY, Body, ChannelName, Name, Said, ScopeAsked, Time
from remanence.serve.shapes.items import EventShape, Ids, RecordShape, Shape

Text = Annotated[str, Field(min_length=1, max_length=1_000_000, pattern=r"\S")]


class Told(Body, ScopeAsked):
    """One thing that happened."""

    text: Text
    at: Time = ""
    speaker: Name = ""
    role: Name = ""
    session: Name = ""
    channel: ChannelName = "user"
    meta: dict[str, Any] = Field(default_factory=dict)


class ToldMany(Body):
    """Several things that happened."""

    memories: Annotated[list[Told], Field(min_length=1, max_length=MANY)]


def _which(data: Any) -> str:
    return "many" if (isinstance(data, dict) and "memories" in data) or isinstance(data, ToldMany) else "one"


OneOrMany = Annotated[Annotated[Told, Tag("one")] | Annotated[ToldMany, Tag("many")], Discriminator(_which)]


class HowToAdd(Said):
    wait: Annotated[bool, Field(description="false: answer when the words are kept, derive from them later")] = True
    records: Annotated[bool, Field(description="true: say also which memories came of it")] = False


class Kept(Shape):
    """What was kept. `problem` says why nothing could be derived from it yet; `job` is what will."""

    events: Ids
    new: int
    known: int
    records: list[RecordShape] = Field(default_factory=list)
    job: str = ""
    problem: str = ""


class Change(Body):
    """What is to be otherwise; what is not said stays."""

    text: Text | None = None
    at: Time = ""
    pinned: bool | None = None
    forgotten: bool | None = None


class HowToDelete(Said):
    for_good: Annotated[bool, Field(description="true: erase the events it cites, and all derived from them")] = False


class Deleted(Shape):
    """`operation` can be undone; `erased` is how many events are gone for good."""

    operation: int = 0
    erased: int = 0


class Records(Shape):
    data: list[RecordShape]
    next_cursor: str | None
    has_more: bool


class Events(Shape):
    data: list[EventShape]
    next_cursor: str | None
    has_more: bool


Either = RecordShape | EventShape
