"""All prefixes of a sequence at once, for any associative joining of two neighbours.

Source:  "Data Parallel Algorithms", Hillis, Steele 1986 (Communications of the ACM 29, 12).
Idea:    every place first takes in the one before it, then the two before that, then four: after log T rounds each
         holds all that came up to it. Nothing is divided or undone, so that nothing overflows which does not one by one.
Cost:    O(T log T) joinings in log T rounds.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Leaves = tuple[Tensor, ...]


def prefix_scan(join: Callable[[Leaves, Leaves], Leaves], leaves: Leaves, dim: int) -> Leaves:
    """Leaf t becomes leaf 0 joined with all up to t, in order; `join` takes what is earlier first."""
    length, step = leaves[0].shape[dim], 1
    while step < length:
        early = tuple(x.narrow(dim, 0, length - step) for x in leaves)
        late = tuple(x.narrow(dim, step, length - step) for x in leaves)
        joined = join(early, late)
        leaves = tuple(torch.cat([x.narrow(dim, 0, step), y], dim) for x, y in zip(leaves, joined, strict=True))
        step *= 2
    return leaves
