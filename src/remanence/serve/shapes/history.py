"""How a memory came to be what it is."""

from typing import Annotated

from pydantic import Field

from remanence.serve.shapes.asked import Body, Said, Time
from remanence.serve.shapes.items import EventShape, OpShape, Shape


class Ops(Shape):
    ops: list[OpShape]


class Around(Said):
    turns: Annotated[int, Field(ge=0, le=20, description="how many before and after each, of the same session")] = 2


class SourceShape(Shape):
    """The event cited, the characters of it that are, and what was said around it in its session."""

    event: EventShape
    start: int
    end: int
    before: list[EventShape] = Field(default_factory=list)
    after: list[EventShape] = Field(default_factory=list)


class Sources(Shape):
    sources: list[SourceShape]


LAST = 10**15  # beyond any number of an operation, and exact wherever JSON is read


class UndoAsked(Body):
    operation: Annotated[int, Field(ge=1, le=LAST)]


class ForgetAsked(Body):
    now: Time = ""
    dry_run: bool = False


class ConsolidateAsked(ForgetAsked):
    pass


class Since(Said):
    since: Annotated[int, Field(ge=0, lt=2**63, description="only what came after this operation")] = 0


class RebuildAsked(Body):
    """`method` is the name of another method; the memory's own, if not said."""

    method: Annotated[str, Field(max_length=200)] = ""
