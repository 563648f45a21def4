"""The delta rule with a gate that lets everything fade: what is stale goes at once, what is wrong goes key by key.

Source:  "Gated Delta Networks: Improving Mamba2 with Delta Rule", Yang, Kautz, Hatamizadeh 2024 (arXiv 2412.06464).
Idea:    the delta rule replaces one association a token and can forget no faster; a decay of the whole memory forgets
         everything alike. Together each does what the other cannot.
Cost:    O(T H K V) time in blocks, H K V numbers of state a sequence.
Differs: heads as wide for values as for keys; no output gate.

    S_t = α_t S_{t-1} + β_t k_t (v_t - α_t S_{t-1}^T k_t)^T     y_t = S_t^T q_t
    α_t = exp(-A softplus(w·x_t + b)), A > 0 learned for each head     β_t = σ(w'·x_t)     |q| = |k| = 1
"""

from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor, nn

from remanence.layers.contract.cell import Cell, Form
from remanence.layers.parts.decay import first_rates, log_decay, spread
from remanence.layers.parts.delta_rule import delta_rule
from remanence.layers.parts.fast_weights import FastWeights
from remanence.layers.parts.qkv import QKV, Out, head_width, unmasked


class GatedDeltaNet(Cell[FastWeights]):
    def __init__(self, width: int, heads: int = 1, conv: int = 4, block_size: int = 32) -> None:
        super().__init__(width)
        self.block_size = block_size
        self.head = head_width(width, heads)
        self.qkv = QKV(width, heads, self.head, self.head, conv)
        self.beta = nn.Linear(width, heads, bias=False)
        self.alpha = nn.Linear(width, heads)
        self.log_rate = first_rates(heads)
        self.out = Out(width, heads, self.head)
        spread(self.alpha)

    def init_state(self, batch: int) -> FastWeights:
        return FastWeights.empty(self.qkv, batch, self.head, self.head)

    def scan(self, x: Tensor, state: FastWeights, mask: Tensor | None, form: Form) -> tuple[Tensor, FastWeights]:
        q, k, v, convs = self.qkv(x, state.convs)
        q, k, v = F.normalize(F.silu(q), dim=-1), F.normalize(F.silu(k), dim=-1), F.silu(v)
        beta = unmasked(self.beta(x).sigmoid().transpose(1, 2), mask)
        log_alpha = unmasked(log_decay(self.alpha, self.log_rate, x).transpose(1, 2), mask)
        y, s = delta_rule(q, k, v, beta, log_alpha, state.s, form, self.block_size)
        return self.out(y), replace(state, s=s, convs=convs)
