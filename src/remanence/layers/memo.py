"""A question asked of a memory until looking again finds nothing new; what a memory is made of is kept apart in it.

Source:  "MEMO: A Deep Network for Flexible Combination of Episodic Memories", Banino et al. 2020 (arXiv 2001.10913).
Idea:    an item that is the sum of its parts cannot say which part came first or belongs to what; put side by side,
         each head learns which to compare. How often to look is learned from how much the attention still moves.
Cost:    O(T N D) time a hop over N items, always `hops` of them; 2 D numbers of state an item.
Differs: the paper draws when to stop and learns it by REINFORCE; here the answer is the mean over when it might stop,
         which is differentiable, and its `hops` can be added to a loss. An item is a few tokens in a row; no embedding
         before keys and values, no dropout, no layer normalisation of scores.

    k_i, v_i = W [x_{i-W+1}; ...; x_i]     w_n = softmax_i(Q_n·k_i / √K), by head
    Q_{n+1} = norm(Q_n + W_h Σ_i w_ni v_i)
    b_n = Σ_i √(w_ni w_{n-1,i})     z_n = GRU([b_n, n], z_{n-1})     p_n = σ(w_z·z_n + b_z), 1 at the last
    y = Σ_n p_n Π_{m<n} (1 - p_m) W_a relu(W_q Q_{n+1})

Shapes: B batch, T tokens, N items, W tokens of an item, D width, H heads, K width of a head.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.parts.items import Items, OverItems, shares
from remanence.layers.parts.qkv import head_width

Z = 8  # width of z, which knows two numbers
LEAST = 1e-12  # below it a root's slope is not followed


class Memo(OverItems):
    """At most `hops`; an item is made of `tokens`."""

    def __init__(self, width: int, heads: int = 1, hops: int = 4, tokens: int = 3) -> None:
        super().__init__(width, 2 * width, tokens)
        if hops < 2:
            raise BadConfig(f"hops must be at least 2, for a choice, got {hops}")
        self.most, self.heads, self.head = hops, heads, head_width(width, heads)
        self.store = nn.Linear(tokens * width, 2 * width, bias=False)
        self.question = nn.Linear(tokens * width, width, bias=False)
        self.combine, self.norm = nn.Linear(width, width, bias=False), nn.LayerNorm(width)
        self.hidden, self.answer = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.watch, self.halt = nn.GRUCell(1 + hops, Z), nn.Linear(Z, 1)

    def items(self, windows: Tensor) -> Tensor:
        held: Tensor = self.store(windows.flatten(2))
        return held

    def ask(self, windows: Tensor, held: Tensor, looks: Tensor) -> Tensor:
        return self._ask(windows, held, looks)[0]

    def hops(self, x: Tensor, state: Items | None = None, mask: Tensor | None = None) -> Tensor:
        """How often each token [B, T] is expected to look: what the paper's loss keeps small."""
        x = x if mask is None else x * mask[..., None]
        windows, looks, after = self.take_in(x, self.init_state(len(x)) if state is None else state, mask)
        return self._ask(windows, after.held, looks)[1]

    def _ask(self, windows: Tensor, held: Tensor, looks: Tensor) -> tuple[Tensor, Tensor]:
        k, v = (self._split(a) for a in held.chunk(2, -1))
        looks = looks[:, None]  # [B, 1, T, N]
        q = self.question(windows.flatten(2))  # Q
        z = q.new_zeros(q.shape[0] * q.shape[1], Z)
        before = torch.zeros_like(looks, dtype=q.dtype)
        left, y, hops = torch.ones_like(q[..., 0]), torch.zeros_like(q), torch.zeros_like(q[..., 0])
        for n in range(self.most):
            w = shares(self._split(q) @ k.mT * self.head**-0.5, looks)  # [B, H, T, N]
            q = self.norm(q + self.combine((w @ v).transpose(1, 2).flatten(2)))
            overlap = ((w * before).clamp(min=LEAST).sqrt() * looks).sum(-1).mean(1)  # [B, T]
            step = F.one_hot(torch.full_like(overlap, n, dtype=torch.long), self.most)
            z = self.watch(torch.cat([overlap[..., None], step], -1).flatten(0, 1), z)
            p = self.halt(z).sigmoid().view_as(left)
            stop = left * p if n < self.most - 1 else left
            y = y + stop[..., None] * self.answer(self.hidden(q).relu())
            hops = hops + stop * (n + 1)
            left, before = left - stop, w
        return y, hops

    def _split(self, x: Tensor) -> Tensor:
        """[B, T, D] -> [B, H, T, K]."""
        heads: Tensor = x.unflatten(-1, (self.heads, self.head)).transpose(1, 2)
        return heads
