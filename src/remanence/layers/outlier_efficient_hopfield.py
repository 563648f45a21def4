"""Attention, or Hopfield retrieval, that may answer nothing: a softmax with a place for "none of these".

Source:  "Outlier-Efficient Hopfield Layers for Large Transformer-Based Models", Hu, Chang, Luo, Chen, Li, Wang, Liu
         2024 (arXiv 2404.03828), OutEffHop; Softmax_1 is of Miller 2023, "Attention Is Off By One".
Idea:    a softmax must give its weight to someone, so a head with nothing to say learns huge scores for tokens that
         say nothing. With one more pattern at 0, of energy 0, weight can go nowhere, and no outliers are needed.
Cost:    O(T N) time a step of retrieval, over N patterns stored; 2 H K numbers of state for each.
Differs: what is stored is what was read, causally; no positions of its own, but the short convolution of the other
         cells. Heads are not normalised, which would make a whisper as loud as a shout.

    Softmax_1(s)_i = e^{s_i} / (1 + Σ_j e^{s_j})     q ← Σ_i Softmax_1(β q·k)_i k_i, steps - 1 times
    y_t = Σ_{i<=t} Softmax_1(β q_t·k)_i v_i          β = 1 / √K

Shapes: B batch, T tokens, H heads, K width of a head, N tokens stored.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.parts.qkv import QKV, head_width
from remanence.layers.parts.seen import Seen, anew, in_pieces, unseen


class OutlierEfficientHopfield(Cell[Seen]):
    """`steps` of retrieval: 1 is attention; more bring a query nearer to a pattern before its value is read."""

    forms: ClassVar[tuple[Form, ...]] = ("parallel", "recurrent")

    def __init__(self, width: int, heads: int = 1, conv: int = 4, steps: int = 1) -> None:
        super().__init__(width)
        if steps < 1:
            raise BadConfig(f"steps must be at least 1, got {steps}")
        self.steps = steps
        self.head = head_width(width, heads)
        self.qkv = QKV(width, heads, self.head, self.head, conv)
        self.out = nn.Linear(width, width, bias=False)

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
        before = torch.ones(t, n, dtype=torch.bool, device=x.device).tril(n - t)
        stored = before & real[:, None, None]  # [B, 1, T, N]
        for _ in range(self.steps - 1):
            q = retrieve(q, k, k, stored)
        y = retrieve(q, k, v, stored)
        return self.out(y.transpose(1, 2).flatten(2)), Seen(k, v, real, convs)


def retrieve(q: Tensor, k: Tensor, v: Tensor, stored: Tensor) -> Tensor:
    """q [..., T, K], k [..., N, K], v [..., N, V] -> [..., T, V], of those patterns that are `stored` [..., T, N]."""
    scores = (q @ k.mT * k.shape[-1] ** -0.5).masked_fill(~stored, torch.finfo(q.dtype).min)
    total = F.softplus(scores.logsumexp(-1, keepdim=True))  # log(1 + Σ e^s), and no number above 1 is raised to e
    y: Tensor = (scores - total).exp() @ v
    return y
