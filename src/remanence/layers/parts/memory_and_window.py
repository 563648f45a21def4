"""A long-term memory that learns at test time, and attention over a window: what Titans' MAG and MAL are made of.

Shapes: B batch, D width, P persistent tokens, W tokens of the window.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from remanence.layers.attention import Attention
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.associative import Written
from remanence.layers.parts.seen import Seen
from remanence.layers.titans import Titans


@dataclass(frozen=True)
class Both(State):
    memory: Written
    seen: Seen  # the last W - 1 tokens


class MemoryAndWindow(Cell[Both]):
    """Leaves say how the two are put together. Before anything else the memory has read the persistent tokens.

    `expansion` and `grad_chunk` are those of the memory; a sequence may be cut anywhere.
    """

    forms: ClassVar[tuple[Form, ...]] = ("chunk", "recurrent")

    def __init__(
        self, width: int, heads: int = 1, window: int = 16, persistent: int = 4, expansion: int = 0,
        grad_chunk: int = 16, conv: int = 4,
    ) -> None:  # fmt: skip
        super().__init__(width)
        self.memory = Titans(width, heads, expansion, grad_chunk, conv)
        self.attention = Attention(width, heads, conv, window)
        self.grain, self.window = self.memory.grain, window
        self.persistent = nn.Parameter(torch.randn(persistent, width))
        self.more()

    def more(self) -> None:
        """What a leaf is made of besides."""
        return

    def init_state(self, batch: int) -> Both:
        fresh = self.memory.init_state(batch)
        _, written = self.memory(self.persistent.expand(batch, -1, -1), fresh)
        return Both(replace(fresh, u=written.u, start=written.u), self.attention.init_state(batch))

    def anew(self, state: Both, rows: Tensor) -> Both:
        memory = self.init_state(len(rows)).memory.where(rows, state.memory)
        return Both(memory, self.attention.anew(state.seen, rows))
