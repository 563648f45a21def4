"""What a memory is about: names, scopes, and what hangs together."""

from typing import Annotated, Any

from pydantic import Field

from remanence.serve.shapes.asked import MANY, FilterQuery, Said
from remanence.serve.shapes.items import Shape

NODES = 200


class EntitiesAsked(FilterQuery):
    limit: Annotated[int, Field(ge=1, le=MANY)] = 100


class Entity(Shape):
    """A name, what it is the name of (speaker, entity, subject), and in how many memories."""

    name: str
    kind: str
    count: int


class Entities(Shape):
    entities: list[Entity]


class Named(Shape):
    name: str
    events: int


class Scopes(Shape):
    users: list[Named]
    agents: list[Named]
    runs: list[Named]
    apps: list[Named]


class GraphAsked(Said):
    around: Annotated[str, Field(min_length=1, max_length=32, description="the id of a memory or an event")]
    depth: Annotated[int, Field(ge=0, le=6)] = 2
    limit: Annotated[int, Field(ge=1, le=NODES)] = NODES


class Edge(Shape):
    """`relation` is source, superseded_by, or what the method calls the link."""

    source: str
    target: str
    relation: str
    weight: float = 1.0


class Graph(Shape):
    """`complete` is false where nodes were left out."""

    nodes: list[dict[str, Any]]
    edges: list[Edge]
    complete: bool
