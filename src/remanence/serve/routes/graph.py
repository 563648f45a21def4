"""Graph: what hangs together with a memory."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from remanence.errors import NotFound
from remanence.formats.parts.as_json import to_json
from remanence.records import Event, Record
from remanence.serve.access import Access, Reads
from remanence.serve.answer import answer
from remanence.serve.shapes.overview import Graph, GraphAsked

router = APIRouter(prefix="/v1/graph", tags=["overview"])
Item = Record | Event
Edge = tuple[str, str, str, float]  # from, to, relation, weight


@router.get("", response_model=Graph)
def graph(access: Reads, asked: Annotated[GraphAsked, Query()]) -> Response:
    """The memories and events at most `depth` steps away: links, sources, what replaced what; the nearest first."""
    start = access.get(asked.around)
    nodes, edges, complete = {start.id: start}, set[Edge](), True
    edge_of = [start]
    for _ in range(asked.depth):
        beyond: list[Item] = []
        for item in edge_of:
            for other, edge in _around(access, item):
                if other.id not in nodes and len(nodes) >= asked.limit:
                    complete = False
                    continue
                if other.id not in nodes:
                    nodes[other.id] = other
                    beyond.append(other)
                edges.add(edge)
        edge_of = beyond
    told = [{"source": s, "target": t, "relation": relation, "weight": w} for s, t, relation, w in sorted(edges)]
    return answer({"nodes": [to_json(node) for node in nodes.values()], "edges": told, "complete": complete})


def _around(access: Access, item: Item) -> Iterator[tuple[Item, Edge]]:
    """What stands beside an item, and the edge between."""
    if isinstance(item, Event):
        for record in access.memory.records(**access.which(events=item.id)):
            yield record, (record.id, item.id, "source", 1.0)
        return
    out = [(source.event, "source", 1.0) for source in item.sources]
    out += [(link.record, link.relation, link.weight) for link in item.links]
    out += [(item.superseded_by, "superseded_by", 1.0)] if item.superseded_by else []
    for id, relation, weight in out:
        try:
            yield access.get(id), (item.id, id, relation, weight)
        except NotFound:  # another user's
            continue
