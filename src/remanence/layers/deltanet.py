"""A fast-weight memory written by the delta rule: a key's old value is taken out before the new one goes in.

Source:  "Linear Transformers Are Secretly Fast Weight Programmers", Schlag, Irie, Schmidhuber 2021 (arXiv 2102.11174);
         "Parallelizing Linear Transformers with the Delta Rule over Sequence Length", Yang, Wang, Zhang, Shen, Kim 2024
         (arXiv 2406.06484).
Idea:    one step of gradient descent on |S^T k - v|²/2 per token: what the memory answers already is not added again,
         so a key can be written twice, and keys that are alike disturb each other less.
Cost:    O(T H K V) time in blocks, H K V numbers of state a sequence.
Differs: nothing of the cell; heads are normalised and projected as in the later paper, without its output gate.

    S_t = S_{t-1} + β_t k_t (v_t - S_{t-1}^T k_t)^T     y_t = S_t^T q_t     |q| = |k| = 1, β_t = σ(w·x_t)
"""

from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor, nn

from remanence.layers.contract.cell import Cell, Form
from remanence.layers.parts.delta_rule import delta_rule
from remanence.layers.parts.fast_weights import FastWeights
from remanence.layers.parts.qkv import QKV, Out, head_width, unmasked


class DeltaNet(Cell[FastWeights]):
    def __init__(self, width: int, heads: int = 1, conv: int = 4, block_size: int = 32) -> None:
        super().__init__(width)
        self.block_size = block_size
        self.head = head_width(width, heads)
        self.qkv = QKV(width, heads, self.head, self.head, conv)
        self.beta = nn.Linear(width, heads, bias=False)
        self.out = Out(width, heads, self.head)

    def init_state(self, batch: int) -> FastWeights:
        return FastWeights.empty(self.qkv, batch, self.head, self.head)

    def scan(self, x: Tensor, state: FastWeights, mask: Tensor | None, form: Form) -> tuple[Tensor, FastWeights]:
        q, k, v, convs = self.qkv(x, state.convs)
        q, k, v = F.normalize(F.silu(q), dim=-1), F.normalize(F.silu(k), dim=-1), F.silu(v)
        beta = unmasked(self.beta(x).sigmoid().transpose(1, 2), mask)
        y, s = delta_rule(q, k, v, beta, None, state.s, form, self.block_size)
        return self.out(y), replace(state, s=s, convs=convs)
