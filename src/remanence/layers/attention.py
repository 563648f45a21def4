"""Softmax attention over everything that was read, or over a window of it: what the other cells are measured against.

Source:  "Attention Is All You Need", Vaswani et al. 2017 (arXiv 1706.03762).
Idea:    nothing is compressed: every key and value is kept, and the query weighs them all.
Cost:    O(T N) time over N tokens seen (at most `window`), 2 H K numbers of state for each of them.
Differs: no positions of its own; order comes from the short convolution, as in the other cells.

    y_t = Σ_{i<=t} softmax_i(q_t·k_i / √K) v_i
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.qkv import QKV, Convs, Out, head_width


@dataclass(frozen=True)
class Seen(State):
    """Grows with every token, up to the window; `real` is False at padding and before a row began anew."""

    k: Tensor  # [B, H, N, K]
    v: Tensor  # [B, H, N, K]
    real: Tensor  # [B, N]
    convs: Convs


class Attention(Cell[Seen]):
    forms: ClassVar[tuple[Form, ...]] = ("parallel", "recurrent")

    def __init__(self, width: int, heads: int = 1, conv: int = 4, window: int | None = None) -> None:
        super().__init__(width)
        if window is not None and window < 1:
            raise BadConfig(f"window must be at least 1 token, got {window}")
        self.window = window
        self.head = head_width(width, heads)
        self.qkv = QKV(width, heads, self.head, self.head, conv)
        self.out = Out(width, heads, self.head)

    def init_state(self, batch: int) -> Seen:
        none = self.like.new_zeros(batch, self.qkv.heads, 0, self.head)
        return Seen(none, none, torch.zeros(batch, 0, dtype=torch.bool, device=none.device), self.qkv.init_state(batch))

    def anew(self, state: Seen, rows: Tensor) -> Seen:
        empty = replace(state, convs=self.qkv.init_state(len(rows)))
        return replace(empty.where(rows, state), real=state.real & ~rows[:, None])

    def scan(self, x: Tensor, state: Seen, mask: Tensor | None, form: Form) -> tuple[Tensor, Seen]:
        if form == "recurrent":
            out = []
            for t in range(x.shape[1]):
                now = None if mask is None else mask[:, t : t + 1]
                y, state = self._all(x[:, t : t + 1], state, now)
                out.append(y)
            return torch.cat(out, 1), state
        return self._all(x, state, mask)

    def _all(self, x: Tensor, state: Seen, mask: Tensor | None) -> tuple[Tensor, Seen]:
        q, k, v, convs = self.qkv(x, state.convs)
        real = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
        k, v, real = torch.cat([state.k, k], 2), torch.cat([state.v, v], 2), torch.cat([state.real, real], 1)
        t, n = x.shape[1], k.shape[2]
        behind = torch.arange(n - t, n, device=x.device)[:, None] - torch.arange(n, device=x.device)  # [T, N]
        looks = (behind >= 0) & (behind < (self.window or n + 1))
        looks = looks & real[:, None, None] | (behind == 0)  # a query at padding looks at itself, and is thrown away
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=looks)
        if self.window is not None:
            k, v, real = (a[..., max(0, n - self.window + 1) :, :] for a in (k, v, real[..., None]))
            real = real[..., 0]
        return self.out(y), Seen(k, v, real, convs)
