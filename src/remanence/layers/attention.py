"""Softmax attention over everything that was read, or over a window of it: what the other cells are measured against.

Source:  "Attention Is All You Need", Vaswani et al. 2017 (arXiv 1706.03762).
Idea:    nothing is compressed: every key and value is kept, and the query weighs them all.
Cost:    O(T N) time over N tokens seen (at most `window`), 2 H K numbers of state for each of them.
Differs: no positions of its own; order comes from the short convolution, as in the other cells.

    y_t = Σ_{i<=t} softmax_i(q_t·k_i / √K) v_i
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.parts.qkv import QKV, Out, head_width
from remanence.layers.parts.seen import Seen, anew, in_pieces, unseen


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
        return unseen(self.qkv, self.head, batch)

    def anew(self, state: Seen, rows: Tensor) -> Seen:
        return anew(state, rows, self.qkv)

    def scan(self, x: Tensor, state: Seen, mask: Tensor | None, form: Form) -> tuple[Tensor, Seen]:
        return in_pieces(self._all, x, state, mask, form)

    def _all(self, x: Tensor, state: Seen, new: Tensor) -> tuple[Tensor, Seen]:
        q, k, v, convs = self.qkv(x, state.convs)
        k, v, real = torch.cat([state.k, k], 2), torch.cat([state.v, v], 2), torch.cat([state.real, new], 1)
        t, n = x.shape[1], k.shape[2]
        behind = torch.arange(n - t, n, device=x.device)[:, None] - torch.arange(n, device=x.device)  # [T, N]
        looks = (behind >= 0) & (behind < (self.window or n + 1))
        looks = looks & real[:, None, None] | (behind == 0)  # a query at padding looks at itself, and is thrown away
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=looks)
        if self.window is not None:
            k, v, real = (a[..., max(0, n - self.window + 1) :, :] for a in (k, v, real[..., None]))
            real = real[..., 0]
        return self.out(y), Seen(k, v, real, convs)
