"""Personalised PageRank over a small weighted graph."""

from collections.abc import Mapping, Sequence

from remanence.errors import MissingExtra

Edge = tuple[int, int, float]


def pagerank(n: int, edges: Sequence[Edge], reset: Mapping[int, float], damping: float) -> list[float]:
    """The share of time a walk spends at each of n nodes that, at each step, follows an edge with probability `damping`
    and else starts again at a node of `reset`. Edges are undirected, their weights positive."""
    try:
        import igraph
    except ImportError:
        raise MissingExtra("graph memories need igraph: pip install 'remanence[graph]'") from None
    graph = igraph.Graph(n, [(a, b) for a, b, _ in edges])
    start = [reset.get(node, 0.0) for node in range(n)]
    ranks: list[float] = graph.personalized_pagerank(
        damping=damping, reset=start, weights=[weight for _, _, weight in edges] or None, implementation="prpack"
    )
    return ranks
