"""Which heads look at the far past, where not all do: pairs of a layer and a query head, both counted from 0."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from remanence.cache.base import Far
from remanence.errors import BadConfig

Heads = Sequence[tuple[int, int]]


def of_layer(heads: Heads, layer: int, layers: int) -> Heads:
    """Those of one layer of so many."""
    for pair in heads:
        if not 0 <= pair[0] < layers:
            raise BadConfig(f"heads are (layer, query head) of {layers} layers, got {tuple(pair)}")
    return tuple(pair for pair in heads if pair[0] == layer)


def looking(far: Far, heads: Heads, query: Tensor) -> Far:
    """What was chosen, for these heads of queries [B, Q, T, D] only."""
    n, t = query.shape[1:3]
    looks = torch.zeros(1, n, 1, 1, dtype=torch.bool, device=query.device)
    for layer, head in heads:
        if not 0 <= head < n:
            raise BadConfig(f"heads are (layer, query head) of {n} query heads, got {(layer, head)}")
        looks[:, head] = True
    if bool(looks.all()):
        return far
    only = far.only
    if only is not None:
        only = only if only.shape[1] == n else only.repeat_interleave(n // only.shape[1], 1)
        return replace(far, only=only & looks)
    return replace(far, only=looks.expand(-1, -1, t, far.ids.shape[2]))
