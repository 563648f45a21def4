"""Personalised PageRank over a small weighted graph."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from remanence.errors import MissingExtra

Node = TypeVar("Node", bound=Hashable)


def pagerank(
    edges: Sequence[tuple[Node, Node, float]], reset: Mapping[Node, float], damping: float
) -> dict[Node, float]:
    """The share of time a walk spends at each node that, at each step, follows an edge with probability `damping` and
    else starts again at a node of `reset`. Edges are undirected, their weights positive."""
    try:
        import igraph
    except ImportError:
        raise MissingExtra("graph memories need igraph: pip install 'remanence[graph]'") from None
    numbers = {node: i for i, node in enumerate(dict.fromkeys([*reset, *(n for a, b, _ in edges for n in (a, b))]))}
    if not numbers:
        return {}
    graph = igraph.Graph(len(numbers), [(numbers[a], numbers[b]) for a, b, _ in edges])
    ranks: list[float] = graph.personalized_pagerank(
        damping=damping,
        reset=[reset.get(node, 0.0) for node in numbers],
        weights=[weight for _, _, weight in edges] or None,
        implementation="prpack",
    )
    return dict(zip(numbers, ranks, strict=True))
