"""What is around a memory: what it links to, what it cites, what replaced it; drawn here, arranged by the browser."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from remanence.errors import NotFound
from remanence.records import Event
from remanence.serve.access import Access, Item
from remanence.serve.page.drawing import short
from remanence.serve.page.route import views
from remanence.serve.page.standing import holding
from remanence.serve.page.visitor import Looks

MOST = 200  # nodes
LABELLED = 40  # in a smaller picture each node says what it is
CITING = 25  # records looked at that cite one event
WIDTH, HEIGHT = 760, 440
router = views()


@dataclass(frozen=True, slots=True)
class Node:
    item: Item
    depth: int
    x: float
    y: float

    @property
    def label(self) -> str:
        return short(self.item.text, 34)

    @property
    def kind(self) -> str:
        return "event" if isinstance(self.item, Event) else self.item.kind


@dataclass(frozen=True, slots=True)
class Edge:
    start: str
    end: str
    relation: str


@router.get("/graph/{id}")
def graph(
    who: Looks,
    id: str,
    depth: Annotated[int, Query(ge=1, le=4)] = 2,
    most: Annotated[int, Query(ge=2, le=MOST)] = 80,
) -> Response:
    centre = who.access.get(id)
    items, edges = around(who.access, centre, depth, most)
    nodes = {node.item.id: node for node in placed(items)}
    shown = {"centre": centre, "nodes": nodes, "edges": edges, "width": WIDTH, "height": HEIGHT}
    return who.draw("graph.html", **shown, depth=depth, most=most, labelled=len(nodes) <= LABELLED)


def around(access: Access, centre: Item, depth: int, most: int) -> tuple[dict[str, tuple[Item, int]], list[Edge]]:
    """At most so many records and events, near ones first, each with how far it is; and what joins them."""
    found: dict[str, tuple[Item, int]] = {centre.id: (centre, 0)}
    edges: dict[Edge, None] = {}
    waiting = [centre]
    for far in range(1, depth + 1):
        here, waiting = waiting, []
        for item in here:
            for edge in _edges(access, item):
                other = edge.end if edge.start == item.id else edge.start
                if other not in found and len(found) < most and (seen := _seen(access, other)) is not None:
                    found[other] = (seen, far)
                    waiting.append(seen)
                if other in found:
                    edges[edge] = None
    return found, list(edges)


def placed(items: dict[str, tuple[Item, int]]) -> list[Node]:
    """In rings by distance: what is seen when nothing arranges it further."""
    rings: dict[int, list[Item]] = {}
    for item, far in items.values():
        rings.setdefault(far, []).append(item)
    step = min(WIDTH, HEIGHT) / 2 / (max(rings) + 0.6)
    nodes = []
    for far, ring in rings.items():
        for i, item in enumerate(ring):
            angle = math.tau * (i + 0.5 * (far % 2)) / len(ring) - math.pi / 2
            x, y = WIDTH / 2 + 1.3 * far * step * math.cos(angle), HEIGHT / 2 + far * step * math.sin(angle)
            nodes.append(Node(item, far, round(x, 1), round(y, 1)))
    return nodes


def _edges(access: Access, item: Item) -> Iterator[Edge]:
    if isinstance(item, Event):
        citing = access.memory.records(**access.which(events=item.id))
        for record in islice(citing, CITING):
            yield Edge(record.id, item.id, "cites")
        return
    for link in item.links:
        yield Edge(item.id, link.record, link.relation)
    for op in holding(access.memory.history(item.id)):
        if op.kind in ("supersede", "merge") and op.other:
            yield Edge(op.record, op.other, "superseded_by")
        elif op.kind == "link" and op.other == item.id:
            yield Edge(op.record, item.id, op.relation)
    for source in item.sources:
        yield Edge(item.id, source.event, "cites")


def _seen(access: Access, id: str) -> Item | None:
    try:
        return access.get(id)
    except NotFound:
        return None
