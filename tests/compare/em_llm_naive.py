"""How much faster boundary refinement is by sums of keys than from the definition of modularity or conductance.

Run by hand: PYTHONPATH=src python tests/compare/em_llm_naive.py
For each length, medians of both in one run on one thread, their ratio, and the greatest difference between the values.
The definition is evaluated cut by cut with operations on the whole matrix; a loop over its elements is slower still.
"""

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


def seconds(run: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.thread_time()
        run()
        taken.append(time.thread_time() - start)
    return statistics.median(taken)


def main() -> None:
    torch.set_num_threads(1)
    sizes = [(width, n) for width in WIDTHS for n in (64, 128, 256)]
    for naive, ours in ((naive_modularity, modularity), (naive_conductance, conductance)):
        for width, n in sizes:
            keys = torch.randn(n, width, generator=torch.Generator().manual_seed(n)) + 0.5
            off = float((all_cuts(naive, keys) - ours(keys)[1:-1]).abs().max())
            slow, fast = seconds(partial(all_cuts, naive, keys), 3), seconds(partial(ours, keys), 15)
            sys.stdout.write(
                f"{ours.__name__:12} {n:4} tokens of width {width:4}: {slow * 1e3:6.1f} ms and {fast * 1e3:5.2f} ms, "
                f"{slow / fast:4.0f} times, {off:.0e} off\n"
            )


if __name__ == "__main__":
    main()
