"""How much faster boundary refinement is by sums of keys than from the definition of modularity or conductance.

    PYTHONPATH=src python tests/compare/em_llm_naive.py
    PYTHONPATH=src python tests/compare/em_llm_naive.py .../em_llm/attention/similarity_refinement/similarity.py

Run by hand. All begin with the keys, so the product that makes the graph counts for those who need it. For each length:
medians in one run on one thread, their ratio, and the greatest difference between the values.

The definition is evaluated cut by cut, with what is quickest of operations on the whole matrix or a part of it; a loop
over its elements is slower still. The authors' functions, where their file is given, take two lists of tokens for each
cut. Their modularity is half of what is defined, and doubled here; their conductance has other volumes, so it is off.
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


def naive_modularity(adjacency: Tensor, cut: int) -> Tensor:
    degree, twice_m = adjacency.sum(1), adjacency.sum()
    part = torch.arange(len(adjacency)) >= cut
    alike = part[:, None] == part[None]
    return ((adjacency - degree[:, None] * degree[None] / twice_m) * alike).sum() / twice_m


def naive_conductance(adjacency: Tensor, cut: int) -> Tensor:
    volume = torch.minimum(adjacency[:cut].sum(), adjacency[cut:].sum())
    return adjacency[:cut, cut:].sum() / volume


def all_cuts(naive: Callable[[Tensor, int], Tensor], keys: Tensor) -> Tensor:
    adjacency = keys.double() @ keys.double().T
    return torch.stack([naive(adjacency, cut) for cut in range(1, len(keys))])


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
    for naive, ours in ((naive_modularity, modularity), (naive_conductance, conductance)):
        others = {"by definition": naive}
        if len(sys.argv) > 1:
            others["the authors'"] = published(ours.__name__, sys.argv[1])
        for width, n, (name, other) in itertools.product(WIDTHS, (64, 128, 256), others.items()):
            keys = torch.randn(n, width, generator=torch.Generator().manual_seed(n)) + 0.5
            off = float((all_cuts(other, keys) - ours(keys)[1:-1]).abs().max())
            slow, fast = seconds(partial(all_cuts, other, keys), 5), seconds(partial(ours, keys), 25)
            sys.stdout.write(
                f"{ours.__name__:12} {n:4} tokens of width {width:4}: {name:13} {slow * 1e3:6.1f} ms, ours "
                f"{fast * 1e3:5.2f} ms, {slow / fast:5.0f} times, {off:.0e} off\n"
            )


if __name__ == "__main__":
    main()
