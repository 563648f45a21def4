"""What requests may say. An unknown field is an error; user_id, agent_id, run_id and app_id mean user, agent, ..."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MANY = 1000  # the most of anything in one request or answer
LONG = 200  # characters of a name or a time
WORDS = 20_000  # characters of a question

Name = Annotated[str, Field(max_length=LONG)]
Time = Annotated[str, Field(max_length=LONG, description="2024-04-02 or 2024-04-02T09:30:00+01:00; UTC if not said")]
Names = Annotated[list[Name], Field(max_length=MANY)]
ChannelName = Literal["user", "assistant", "tool", "import"]


class Said(BaseModel):
    """Whatever is said, under the names other servers use too."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _aliases(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        names = ("user", "agent", "run", "app")
        both = [name for name in names if name in data and f"{name}_id" in data]
        if both:
            raise ValueError(f"{both[0]} and {both[0]}_id are the same; say one")
        return {next((n for n in names if key == f"{n}_id"), key): value for key, value in data.items()}

    def given(self) -> dict[str, Any]:
        """Only what was said, as the verbs of a memory take it."""
        needed = {name for name, field in type(self).model_fields.items() if field.is_required()}
        said = {name: value for name, value in self if name in self.model_fields_set}
        return {name: value for name, value in said.items() if name in needed or value not in (None, "", [])}


class Body(Said):
    """What stands in a body is of its type; in a query all is text."""

    model_config = ConfigDict(strict=True)


class ScopeAsked(Said):
    user: Name = ""
    agent: Name = ""
    run: Name = ""
    app: Name = ""


class FilterAsked(ScopeAsked):
    """Which records or events are meant: several values of one field mean any of them."""

    kinds: Names = []
    speakers: Names = []
    sessions: Names = []
    channels: Annotated[list[ChannelName], Field(max_length=4)] = []
    between: Annotated[list[Time], Field(max_length=2, description="a start and an end, the end exclusive")] = []
    as_of: Time = ""
    events: Names = []


class FilterQuery(FilterAsked):
    """The same in a query; meta is a JSON object."""

    meta: Annotated[str, Field(max_length=WORDS, description='as JSON: {"source": "mail"}')] = ""

    def given(self) -> dict[str, Any]:
        said = super().given()
        return said | ({"meta": _object(said["meta"])} if "meta" in said else {})


class FilterBody(Body, FilterAsked):
    """The same in a body."""

    meta: dict[str, Any] = {}


def _object(text: str) -> dict[str, Any]:
    from remanence.errors import BadInput

    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise BadInput(f"meta must be a JSON object, got {text[:80]!r}")
    return data


class Page(FilterQuery):
    """A filter, and which part of what it lets through."""

    limit: Annotated[int, Field(ge=1, le=MANY)] = 50
    cursor: Annotated[str, Field(max_length=1000, description="the next_cursor of the page before")] = ""

    def filter(self) -> dict[str, Any]:
        return {name: value for name, value in self.given().items() if name not in ("limit", "cursor")}
