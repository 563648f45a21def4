"""Linear attention whose feature map is the exponential's Taylor series, with exact attention over the last few tokens.

Source:  "Simple linear attention language models balance the recall-throughput tradeoff", Arora et al. 2024
         (arXiv 2402.18668), Based.
Idea:    1 + x + x²/2 is near exp(x) where the products are small, so a sum of outer products comes near softmax
         attention; what matters nearby is left to a small window, which is exact.
Cost:    O(T H F V) time with F = 1 + f + f² features of keys f wide; H F (V + 1) numbers of state, and the window's.
Differs: one projection for both parts; their answers are added.

    φ(x) = [1, x / f^¼, vec(x xᵀ) / √(2 f)]     y_t = φ(q_t) S_t / (φ(q_t)·z_t) + window attention
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from remanence.layers.attention import Attention
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.fast_weights import FastWeights
from remanence.layers.parts.linear_scan import linear_scan
from remanence.layers.parts.qkv import QKV, Out, head_width, unmasked
from remanence.layers.parts.seen import Seen

EPSILON = 1e-6


@dataclass(frozen=True)
class Both(State):
    far: FastWeights
    near: Seen | None


class Based(Cell[Both]):
    """`features` is the width of a key, f; with window=0 there is no window."""

    def __init__(
        self, width: int, heads: int = 1, features: int = 16, window: int = 16, conv: int = 4, block_size: int = 64
    ) -> None:
        super().__init__(width)
        self.block_size, self.features = block_size, features
        self.head = head_width(width, heads)
        self.qkv = QKV(width, heads, features, self.head, conv)
        self.out = Out(width, heads, self.head)
        self.near = Attention(width, heads, conv, window) if window else None

    def init_state(self, batch: int) -> Both:
        far = FastWeights.empty(self.qkv, batch, 1 + self.features + self.features**2, self.head + 1)
        return Both(far, None if self.near is None else self.near.init_state(batch))

    def anew(self, state: Both, rows: Tensor) -> Both:
        near = None if self.near is None or state.near is None else self.near.anew(state.near, rows)
        return Both(self.init_state(len(rows)).far.where(rows, state.far), near)

    def scan(self, x: Tensor, state: Both, mask: Tensor | None, form: Form) -> tuple[Tensor, Both]:
        q, k, v, convs = self.qkv(x, state.far.convs)
        q, k = taylor(q), unmasked(taylor(k), mask)
        v = torch.cat([v, torch.ones_like(v[..., :1])], -1)
        y, s = linear_scan(q, k, v, state.far.s, form, self.block_size)
        out, near = self.out(y[..., :-1] / (y[..., -1:] + EPSILON)), state.near
        if self.near is not None:
            assert state.near is not None
            close, near = self.near(x, state.near, mask=mask, form="recurrent" if form == "recurrent" else "parallel")
            out = out + close
        return out, Both(FastWeights(s, convs), near)


def taylor(x: Tensor) -> Tensor:
    """[..., f] -> [..., 1 + f + f²], with φ(q)·φ(k) = 1 + q·k/√f + (q·k)²/2f, the series of exp(q·k/√f)."""
    f = x.shape[-1]
    second = (x[..., None] * x[..., None, :]).flatten(-2) / (2 * f) ** 0.5
    return torch.cat([torch.ones_like(x[..., :1]), x / f**0.25, second], -1)
