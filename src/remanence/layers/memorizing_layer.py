"""Attention to a window nearby, and to the few nearest of all keys from before it, mixed by a learned gate per head.

Source:  "Memorizing Transformers", Wu, Rabe, Hutchins, Szegedy 2022 (arXiv 2203.08913).
Idea:    keys and values that leave the window are kept as they are, without gradients, so a memory can be as long as
         there is room for; looking only at the k nearest, a token is not drowned by it.
Cost:    O(T N H K) time to search N tokens exactly, O(T (window + k) H K) to attend; 2 H K numbers for each of them.
Differs: the window slides where the paper's segments jump; queries and keys are not normalised; no positions, but the
         short convolution of the other cells. Where nothing is older than the window, its answer stands alone.

    y_t = (1 - g) Σ_{t-w<i<=t} softmax(q_t·k_i / √K) v_i + g Σ_{i in the k nearest, i<=t-w} softmax(q_t·k_i / √K) v_i
    g = σ(b), one b per head; k_i, v_i of the second sum are not differentiated

Shapes: B batch, T tokens, H heads, K width of a head, N tokens older than the window, M of the window before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.exact_store import nearest
from remanence.layers.parts.qkv import QKV, Out, head_width
from remanence.layers.parts.seen import Seen, anew, in_pieces, unseen


@dataclass(frozen=True)
class Memorized(State):
    near: Seen  # what the next token still sees in its window
    k: Tensor  # [B, H, N, K], oldest first
    v: Tensor  # [B, H, N, K]
    real: Tensor  # [B, N]


class MemorizingLayer(Cell[Memorized]):
    """`size` is how many tokens older than the window are held; None holds all."""

    forms: ClassVar[tuple[Form, ...]] = ("parallel", "recurrent")
    exceptions: ClassVar[Mapping[str, str]] = {
        "remembers": "it does, but by its value: no gradient goes into what has left the window, as in the paper",
    }

    def __init__(
        self, width: int, heads: int = 1, window: int = 8, k: int = 4, size: int | None = None, conv: int = 4
    ) -> None:
        super().__init__(width)
        if window < 1 or k < 1 or (size is not None and size < 1):
            raise BadConfig(f"window, k and size must be at least 1, got {window}, {k} and {size}")
        self.window, self.top, self.size = window, k, size
        self.head = head_width(width, heads)
        self.qkv = QKV(width, heads, self.head, self.head, conv)
        self.gate = nn.Parameter(torch.zeros(heads))  # b
        self.out = Out(width, heads, self.head)

    def init_state(self, batch: int) -> Memorized:
        near = unseen(self.qkv, self.head, batch)
        return Memorized(near, near.k, near.v, near.real)

    def anew(self, state: Memorized, rows: Tensor) -> Memorized:
        return replace(state, near=anew(state.near, rows, self.qkv), real=state.real & ~rows[:, None])

    def scan(self, x: Tensor, state: Memorized, mask: Tensor | None, form: Form) -> tuple[Tensor, Memorized]:
        return in_pieces(self._all, x, state, mask, form)

    def _all(self, x: Tensor, state: Memorized, new: Tensor) -> tuple[Tensor, Memorized]:
        q, k, v, convs = self.qkv(x, state.near.convs)
        k, v = torch.cat([state.near.k, k], 2), torch.cat([state.near.v, v], 2)  # [B, H, M + T, K]
        real = torch.cat([state.near.real, new], 1)
        far_k, far_v = torch.cat([state.k, k.detach()], 2), torch.cat([state.v, v.detach()], 2)
        far_real = torch.cat([state.real, real], 1)
        behind = ages(x.shape[1], real)
        looks = (behind < self.window) & (behind >= 0) & real[:, None, None] | (behind == 0)
        near = F.scaled_dot_product_attention(q, k, v, attn_mask=looks)
        behind = ages(x.shape[1], far_real)
        older = (behind >= self.window) & (behind < self.window + (self.size or behind.shape[1]))
        far, any_ = self._recall(q, far_k, far_v, older & far_real[:, None])
        g = self.gate.sigmoid()[:, None, None] * any_
        y = (1 - g) * near + g * far
        left = max(0, k.shape[2] - self.window + 1)  # out of the next token's window
        held, end = self.size or far_k.shape[2], state.k.shape[2] + left
        start = max(0, end - held)
        seen = Seen(k[:, :, left:], v[:, :, left:], real[:, left:], convs)
        return self.out(y), Memorized(seen, far_k[:, :, start:end], far_v[:, :, start:end], far_real[:, start:end])

    def _recall(self, q: Tensor, k: Tensor, v: Tensor, looks: Tensor) -> tuple[Tensor, Tensor]:
        """Attention of q [B, H, T, K] to its k nearest, and whether there were any [B, H, T, 1]."""
        heads = self.qkv.heads
        rows = q.flatten(0, 1)
        with torch.no_grad():
            found = nearest(rows, k.flatten(0, 1), v.flatten(0, 1), looks.repeat_interleave(heads, 0), self.top)
        scores = torch.einsum("rtd,rtkd->rtk", rows, found.keys) * self.head**-0.5
        weights = scores.masked_fill(~found.valid, torch.finfo(q.dtype).min).softmax(-1)
        y = torch.einsum("rtk,rtkd->rtd", weights, found.values)
        return y.unflatten(0, (-1, heads)), found.valid.any(-1, keepdim=True).unflatten(0, (-1, heads))


def ages(t: int, real: Tensor) -> Tensor:
    """How far behind each of the last t tokens [T, N] all those of real [B, N] are."""
    n = real.shape[1]
    return torch.arange(n - t, n, device=real.device)[:, None] - torch.arange(n, device=real.device)
