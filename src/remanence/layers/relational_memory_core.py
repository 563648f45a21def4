"""A few slots that attend to each other and to what is read, each written by the gates of an LSTM.

Source:  "Relational recurrent neural networks", Santoro et al. 2018 (arXiv 1806.01822), RMC.
Idea:    what is remembered is compared with what else is remembered, at every token, so that a question about two
         things met far apart need not wait until both are read out. An LSTM's cell, once for every slot, with
         attention among the slots in the place of its candidate.
Cost:    O(T (N² D + N D²)) time, token by token: there is no other form. 2 N D numbers of state a sequence.
Differs: residuals are written out as the paper only names them; one round of attention a token; slots as wide as the
         layer, put together by a projection.

    m̃ = norm(m_{t-1} + attention(m_{t-1}, [m_{t-1}; x_t]))     g = norm(m̃ + MLP(m̃))
    f, i, o = W x_t + U h_{t-1} + b, for each slot             m_t = σ(f + 1) ⊙ m_{t-1} + σ(i) ⊙ g
    h_t = σ(o) ⊙ tanh(m_t)     y_t = W_y h_t                   m_0 = I, so that slots differ

Shapes: B batch, T tokens, N slots, D width, H heads.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.qkv import head_width

FORGET = 1.0  # the paper's b̃: what is held is kept at first


@dataclass(frozen=True)
class Slots(State):
    m: Tensor  # [B, N, D]
    h: Tensor  # [B, N, D]


class RelationalMemoryCore(Cell[Slots]):
    forms: ClassVar[tuple[Form, ...]] = ("recurrent",)

    def __init__(self, width: int, slots: int = 4, heads: int = 1) -> None:
        super().__init__(width)
        if slots < 1:
            raise BadConfig(f"slots must be at least 1, got {slots}")
        self.slots, self.heads, self.head = slots, heads, head_width(width, heads)
        self.q, self.k, self.v = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.attended, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.gate_x, self.gate_h = nn.Linear(width, 3 * width), nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(slots * width, width, bias=False)

    def init_state(self, batch: int) -> Slots:
        m = torch.eye(self.slots, self.width, device=self.like.device, dtype=self.like.dtype)
        m = m.expand(batch, -1, -1)
        return Slots(m, torch.zeros_like(m))

    def scan(self, x: Tensor, state: Slots, mask: Tensor | None, form: Form) -> tuple[Tensor, Slots]:
        out = []
        for t in range(x.shape[1]):
            after = self.step(x[:, t], state)
            state = after if mask is None else after.where(mask[:, t], state)
            out.append(state.h.flatten(1))
        return self.out(torch.stack(out, 1)), state

    def step(self, x: Tensor, state: Slots) -> Slots:
        """One token x [B, D]."""
        m = self.attended(state.m + self.attend(state.m, torch.cat([state.m, x[:, None]], 1)))
        g = self.norm(m + self.mlp(m))
        f, i, o = (self.gate_x(x)[:, None] + self.gate_h(state.h)).chunk(3, -1)
        m = (f + FORGET).sigmoid() * state.m + i.sigmoid() * g
        return Slots(m, o.sigmoid() * m.tanh())

    def attend(self, m: Tensor, seen: Tensor) -> Tensor:
        """What each slot of m [B, N, D] finds in `seen` [B, N + 1, D]."""
        q, k, v = (
            f(y).unflatten(2, (self.heads, self.head)).transpose(1, 2)
            for f, y in ((self.q, m), (self.k, seen), (self.v, seen))
        )
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
