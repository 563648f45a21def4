"""Attention without the softmax: all that was read is one sum of outer products. The baseline of the cells.

Source:  "Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention", Katharopoulos, Vyas, Pappas,
         Fleuret 2020 (arXiv 2006.16236).
Idea:    with a feature map φ in place of the softmax, keys and values add up to a matrix S and a normaliser z, and
         reading costs the same after a million tokens as after one. Nothing is ever taken back, so keys collide.
Cost:    O(T H K V) time, H K (V + 1) numbers of state a sequence.
Differs: a short convolution before keys, queries and values, and normalised heads, as the other cells have.

    S_t = S_{t-1} + φ(k_t) v_t^T     z_t = z_{t-1} + φ(k_t)     y_t = φ(q_t) S_t / (φ(q_t)·z_t)     φ(x) = elu(x) + 1
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from remanence.layers.contract.cell import Cell, Form
from remanence.layers.parts.fast_weights import FastWeights
from remanence.layers.parts.linear_scan import linear_scan
from remanence.layers.parts.qkv import QKV, Out, head_width, unmasked

EPSILON = 1e-6


class LinearAttention(Cell[FastWeights]):
    """The normaliser is one more column of the state: z is S for a value of 1."""

    def __init__(self, width: int, heads: int = 1, conv: int = 4, block_size: int = 64) -> None:
        super().__init__(width)
        self.block_size = block_size
        self.head = head_width(width, heads)
        self.qkv = QKV(width, heads, self.head, self.head, conv)
        self.out = Out(width, heads, self.head)

    def init_state(self, batch: int) -> FastWeights:
        return FastWeights.empty(self.qkv, batch, self.head, self.head + 1)

    def scan(self, x: Tensor, state: FastWeights, mask: Tensor | None, form: Form) -> tuple[Tensor, FastWeights]:
        q, k, v, convs = self.qkv(x, state.convs)
        q, k = F.elu(q) + 1, unmasked(F.elu(k) + 1, mask)
        v = torch.cat([v, torch.ones_like(v[..., :1])], -1)
        y, s = linear_scan(q, k, v, state.s, form, self.block_size)
        y = y[..., :-1] / (y[..., -1:] + EPSILON)
        return self.out(y), replace(state, s=s, convs=convs)
