"""Memory as layer: a long-term memory first, and attention over a window of what it answers.

Source:  "Titans: Learning to Memorize at Test Time", Behrouz, Zhong, Mirrokni 2024 (arXiv 2501.00663), MAL.
Idea:    the usual hybrid, one after the other: the memory makes of each token what is known of it, attention compares
         the last few of those.
Cost:    O(T W) attention, and the memory's cost; its state, and 2 W D numbers.
Differs: the memory has read the persistent tokens before the first one, and attention, whose window leaves them
         behind, does not look at them; neither momentum nor convolution reaches over from them.

    y_t = M_t(x_t)     o_t = Attention(y_{t-W+1} .. y_t)     M reads [p; x], token by token

Shapes: B batch, T tokens, P persistent tokens, W tokens of the window, D width.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from remanence.layers.attention import Attention, Seen
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.associative import Written
from remanence.layers.titans import Titans


@dataclass(frozen=True)
class Both(State):
    memory: Written
    seen: Seen


class TitansMAL(Cell[Both]):
    """`expansion` and `grad_chunk` are those of the memory; a sequence may be cut anywhere."""

    forms: ClassVar[tuple[Form, ...]] = ("chunk", "recurrent")

    def __init__(
        self, width: int, heads: int = 1, window: int = 16, persistent: int = 4, expansion: int = 0,
        grad_chunk: int = 16, conv: int = 4,
    ) -> None:  # fmt: skip
        super().__init__(width)
        self.memory = Titans(width, heads, expansion, grad_chunk, conv)
        self.attention = Attention(width, heads, conv, window)
        self.grain = self.memory.grain
        self.persistent = nn.Parameter(torch.randn(persistent, width))

    def init_state(self, batch: int) -> Both:
        fresh = self.memory.init_state(batch)
        _, written = self.memory(self.persistent.expand(batch, -1, -1), fresh)
        return Both(replace(fresh, u=written.u, start=written.u), self.attention.init_state(batch))

    def anew(self, state: Both, rows: Tensor) -> Both:
        memory = self.init_state(len(rows)).memory.where(rows, state.memory)
        return Both(memory, self.attention.anew(state.seen, rows))

    def scan(self, x: Tensor, state: Both, mask: Tensor | None, form: Form) -> tuple[Tensor, Both]:
        y, memory = self.memory(x, state.memory, mask=mask, form=form)
        one_by_one = form == "recurrent"
        o, seen = self.attention(y, state.seen, mask=mask, form="recurrent" if one_by_one else "parallel")
        return o, Both(memory, seen)
