"""How much faster boundary refinement is by sums of keys than from the definition of modularity or conductance.

    PYTHONPATH=src python tests/compare/em_llm_naive.py
    PYTHONPATH=src python tests/compare/em_llm_naive.py .../em_llm/attention/similarity_refinement/similarity.py

Run by hand. All begin with the keys, so the product that makes the graph counts for those who need it. For each length:
medians in one run on one thread, their ratio, and the greatest difference between the values.

    loops      the definition as it is written, cut by cut: sums over i and j, with which part each is of
    matrices   the same sums, each by operations on the whole matrix and an indicator of the parts
    slices     for conductance, sums of the parts of the matrix alone: no longer naive, and the quickest of these

The authors' functions, where their file is given, take two lists of tokens for each cut. Their modularity is half of
what is defined, and doubled here; their conductance has other volumes, so it is off.
"""

import importlib.util
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from remanence.cache.parts.cuts import conductance, modularity

WIDTHS = (4 * 64, 8 * 128)  # of all key-value heads of a layer
LENGTHS = (64, 256)


def modularity_by_loops(adjacency: list[list[float]], cut: int) -> float:
    degree = [sum(row) for row in adjacency]
    twice_m, inside = sum(degree), 0.0
    for i, row in enumerate(adjacency):
        for j, edge in enumerate(row):
            if (i < cut) == (j < cut):
                inside += edge - degree[i] * degree[j] / twice_m
    return inside / twice_m


def modularity_by_matrices(adjacency: Tensor, cut: int) -> Tensor:
    degree, twice_m = adjacency.sum(1), adjacency.sum()
    part = torch.arange(len(adjacency)) >= cut
    alike = part[:, None] == part[None]
    return ((adjacency - degree[:, None] * degree[None] / twice_m) * alike).sum() / twice_m


def conductance_by_loops(adjacency: list[list[float]], cut: int) -> float:
    between, volume = 0.0, [0.0, 0.0]
    for i, row in enumerate(adjacency):
        for j, edge in enumerate(row):
            volume[i < cut] += edge
            if i < cut <= j:
                between += edge
    return between / min(volume)


def conductance_by_matrices(adjacency: Tensor, cut: int) -> Tensor:
    degree = adjacency.sum(1)
    part = torch.arange(len(adjacency)) >= cut
    between = (adjacency * (~part[:, None] & part[None])).sum()
    return between / torch.minimum((degree * part).sum(), (degree * ~part).sum())


def conductance_by_slices(adjacency: Tensor, cut: int) -> Tensor:
    return adjacency[:cut, cut:].sum() / torch.minimum(adjacency[:cut].sum(), adjacency[cut:].sum())


def by_loops(naive: Callable[[list[list[float]], int], float]) -> Callable[[Tensor], Tensor]:
    def values(keys: Tensor) -> Tensor:
        adjacency = (keys.double() @ keys.double().T).tolist()
        return torch.tensor([naive(adjacency, cut) for cut in range(1, len(keys))], dtype=torch.float64)

    return values


def by_cuts(naive: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor], Tensor]:
    def values(keys: Tensor) -> Tensor:
        adjacency = keys.double() @ keys.double().T
        return torch.stack([naive(adjacency, cut) for cut in range(1, len(keys))])

    return values


def published(measure: str, path: str) -> Callable[[Tensor, int], Tensor]:
    """The authors' function of that name, made to take a cut."""
    spec = importlib.util.spec_from_file_location("similarity", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def theirs(adjacency: Tensor, cut: int) -> Tensor:
        parts = [list(range(cut)), list(range(cut, len(adjacency)))]
        if measure == "modularity":
            return 2 * module.modularity(adjacency, parts)
        return module.conductance(adjacency, parts)[0]

    return theirs


def seconds(run: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.thread_time()
        run()
        taken.append(time.thread_time() - start)
    return statistics.median(taken)


def main() -> None:
    torch.set_num_threads(1)
    others = {
        modularity: {"loops": by_loops(modularity_by_loops), "matrices": by_cuts(modularity_by_matrices)},
        conductance: {
            "loops": by_loops(conductance_by_loops),
            "matrices": by_cuts(conductance_by_matrices),
            "slices": by_cuts(conductance_by_slices),
        },
    }
    for ours, naive in others.items():
        if len(sys.argv) > 1:
            naive["the authors'"] = by_cuts(published(ours.__name__, sys.argv[1]))
        for width, n, (name, other) in itertools.product(WIDTHS, LENGTHS, naive.items()):
            keys = torch.randn(n, width, generator=torch.Generator().manual_seed(n)) + 0.5
            off = float((other(keys) - ours(keys)[1:-1]).abs().max())
            slow, fast = seconds(partial(other, keys), 3), seconds(partial(ours, keys), 25)
            sys.stdout.write(
                f"{ours.__name__:12} {n:4} tokens of width {width:4}: {name:12} {slow * 1e3:7.1f} ms, ours "
                f"{fast * 1e3:5.2f} ms, {slow / fast:5.0f} times, {off:.0e} off\n"
            )


if __name__ == "__main__":
    main()
