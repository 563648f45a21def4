"""A causal convolution and a learned bank of patterns, gated: fast, and with no memory of what it reads.

Source:  "Gated Associative Memory: A Parallel O(N) Architecture for Efficient Sequence Modeling", Acharya 2025
         (arXiv 2509.00605), GAM.
Idea:    what is near is mixed by a convolution; what is general is looked up in a bank of patterns learned in training.
         Nothing that is read changes the bank, so a name met once cannot be recalled once the convolution has passed
         it: the negative control of the cells.
Cost:    O(T (M D + W D)) time; state is what the convolution saw last, (W - 1) D numbers.
Differs: the mixer alone, without the normalisation, residual and feed-forward around it; no bias in the convolution.

    y_t = σ(W_l x_t + b_l) ⊙ Σ_i w_i x_{t-W+1+i} + σ(W_g x_t + b_g) ⊙ Bᵀ softmax(B x_t)

Shapes: B batch, T tokens, D width, M patterns of the bank, W tokens of the convolution.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.short_conv import ShortConv


@dataclass(frozen=True)
class LastSeen(State):
    x: Tensor  # [B, W - 1, D]


class GatedAssociativeMemory(Cell[LastSeen]):
    forms: ClassVar[tuple[Form, ...]] = ("parallel", "recurrent")
    exceptions: ClassVar[Mapping[str, str]] = {"remembers": "nothing read is kept beyond the convolution"}

    def __init__(self, width: int, patterns: int = 512, conv: int = 3) -> None:  # the paper's
        super().__init__(width)
        if patterns < 1 or conv < 2:
            raise BadConfig(f"patterns must be at least 1 and conv at least 2 tokens, got {patterns} and {conv}")
        self.conv = ShortConv(width, conv)
        self.bank = nn.Parameter(torch.empty(patterns, width))
        self.gates = nn.Linear(width, 2 * width)
        nn.init.xavier_uniform_(self.bank)

    def init_state(self, batch: int) -> LastSeen:
        return LastSeen(self.conv.init_state(batch))

    def scan(self, x: Tensor, state: LastSeen, mask: Tensor | None, form: Form) -> tuple[Tensor, LastSeen]:
        out, seen = [], state.x
        for piece in x.split(1 if form == "recurrent" else x.shape[1], 1):
            near, seen = self.conv(piece, seen)
            general = (piece @ self.bank.mT).softmax(-1) @ self.bank
            local, wide = self.gates(piece).sigmoid().chunk(2, -1)
            out.append(local * near + wide * general)
        return torch.cat(out, 1), LastSeen(seen)
