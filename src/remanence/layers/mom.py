"""Several matrix memories and a router: a token writes to a few of them, and leaves the others as they are.

Source:  "MoM: Linear Sequence Modeling with Mixture-of-Memories", Du, Sun, Lan, Hu, Cheng 2025 (arXiv 2502.13685); each
         memory is a gated delta net (gated_deltanet.py), as in the paper's main results.
Idea:    what is written to one matrix disturbs all that it holds. Tokens that have nothing to do with each other are
         sent to different matrices, which neither fade nor are written for a token that is not theirs. One memory is
         shared: every token writes and reads it.
Cost:    O((M + 1) T H K V) time in blocks: a memory that a token is not sent to is masked, not left out, so that the
         paper's saving in time is not had. (M + 1) H K V numbers of state a sequence.
Differs: short convolutions run over all tokens, before the router sends them; decay rates are each memory's own; no
         output gate; no loss that keeps the router even, which a trainer must add.

    g_t = softmax(W_g x_t), all but the `chosen` greatest set to 0, divided by its sum      k_t^m, v_t^m: of each memory
    S_t^m = α_t^m S_{t-1}^m + β_t^m k_t^m (v_t^m - α_t^m S_{t-1}^mᵀ k_t^m)ᵀ where g_t^m > 0, S_{t-1}^m elsewhere
    y_t = (S_t^shared + Σ_m g_t^m S_t^m)ᵀ q_t

Shapes: B batch, T tokens, D width, H heads, M memories, K width of a head.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.parts.decay import first_rates, log_decay, spread
from remanence.layers.parts.delta_rule import delta_rule
from remanence.layers.parts.fast_weights import FastWeights
from remanence.layers.parts.qkv import QKV, Out, head_width, unmasked


class MoM(Cell[FastWeights]):
    """The shared memory is the last. With chosen=1 the router's weight is always 1, and it learns nothing."""

    def __init__(
        self, width: int, heads: int = 1, memories: int = 4, chosen: int = 2, conv: int = 4, block_size: int = 32
    ) -> None:
        super().__init__(width)
        if not 1 <= chosen <= memories:
            raise BadConfig(f"chosen must be from 1 to the number of memories, got {chosen} of {memories}")
        self.block_size, self.chosen, self.stores = block_size, chosen, memories + 1
        self.head = head_width(width, heads)
        self.qkv = QKV(width, heads, self.head, self.head, conv, self.stores)
        self.router = nn.Linear(width, memories, bias=False)
        self.beta = nn.Linear(width, self.stores * heads, bias=False)
        self.alpha = nn.Linear(width, self.stores * heads)
        self.log_rate = first_rates(self.stores * heads)
        self.out = Out(width, heads, self.head)
        spread(self.alpha)

    def init_state(self, batch: int) -> FastWeights:
        return FastWeights.empty(self.qkv, batch, self.head, self.head)

    def route(self, x: Tensor) -> Tensor:
        """x [B, T, D] -> how much each memory is read [B, T, M + 1]; 0 where a token is not sent to it."""
        weights, chosen = self.router(x).softmax(-1).topk(self.chosen, -1)
        weights = weights / weights.sum(-1, keepdim=True)
        g = weights.new_zeros(*x.shape[:2], self.stores - 1).scatter(-1, chosen, weights)
        return torch.cat([g, torch.ones_like(g[..., :1])], -1)

    def scan(self, x: Tensor, state: FastWeights, mask: Tensor | None, form: Form) -> tuple[Tensor, FastWeights]:
        q, k, v, convs = self.qkv(x, state.convs)  # [B, H, T, K], [B, (M + 1) H, T, K] twice
        q, k, v = F.normalize(F.silu(q), dim=-1), F.normalize(F.silu(k), dim=-1), F.silu(v)
        g = self.route(x)
        sent = (g > 0).repeat_interleave(self.qkv.heads, 2)  # [B, T, (M + 1) H]
        beta = unmasked((self.beta(x).sigmoid() * sent).transpose(1, 2), mask)
        log_alpha = unmasked((log_decay(self.alpha, self.log_rate, x) * sent).transpose(1, 2), mask)
        y, s = delta_rule(q.repeat(1, self.stores, 1, 1), k, v, beta, log_alpha, state.s, form, self.block_size)
        y = torch.einsum("bmhtk,btm->bhtk", y.unflatten(1, (self.stores, -1)), g)
        return self.out(y), replace(state, s=s, convs=convs)
