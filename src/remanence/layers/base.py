"""The contract of a memory layer: a torch module made from its width and its settings, which keeps nothing of a call.

Three kinds, in contract/:
    Cell               y, state = cell(x, state)                      a token at a time, or a whole sequence at once
    SegmentMemory      reads before, writes after each segment        around a model, driven by `SegmentRunner`
    ParametricMemory   y = memory(x), write(keys, values) -> Delta    weights as memory, revertible
and one protocol, Datastore, for what is searched and not learned.

What a layer rightly cannot do it declares in `exceptions`, with the reason; the laws (tests/test_layers.py) ask for
everything else, and the docs list them.
"""

from abc import ABC
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import nn


class Base(nn.Module, ABC):
    """`width` is that of what goes in and comes out: x [B, T, D] -> y [B, T, D]."""

    exceptions: ClassVar[Mapping[str, str]] = {}  # law -> why it does not hold

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    @property
    def like(self) -> torch.Tensor:
        """A parameter or, where there is none, a buffer: for its device and dtype."""
        return next(x for x in (*self.parameters(), *self.buffers()))
