"""A block of a transformer that looks back at what entered it before, with gates where others add.

Source:  "Stabilizing Transformers for Reinforcement Learning", Parisotto et al. 2019 (arXiv 1910.06764), GTrXL.
Idea:    inputs are normalised before, never after, attention and feed-forward, so that a path without any change leads
         through the block; and what they say enters by a gate, nearly shut at first. At first the block passes on what
         it is given, and it learns from there what to look back at.
Cost:    O(T W D) time for attention over W tokens more; W D numbers of state, inputs as they came, of which keys and
         values are made anew.
Differs: each token looks back at the last `window`, wherever the sequence is cut, not at a segment and the one before;
         rotary positions instead of the paper's relative ones. Gradients stop at the state only if it is detached.

    a_t = relu(attention(norm([x_{t-W}, ..., x_t])))     u_t = gate(x_t, a_t)
    f_t = relu(W_2 relu(W_1 norm(u_t)))                  y_t = gate'(u_t, f_t)
    gate(x, a) = (1 - z) ⊙ x + z ⊙ tanh(W a + U (r ⊙ x))
    r = σ(W_r a + U_r x)     z = σ(W_z a + U_z x - b), b = 2 at first

A cell and no segment memory: its gates are part of the block, so that it goes in the place of a layer, not around it;
and each block's state is its own.

Shapes: B batch, T tokens, D width, W window, N inputs kept.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.qkv import head_width
from remanence.layers.parts.rotary import rotary

SHUT = 2.0  # the paper's b at first


@dataclass(frozen=True)
class Inputs(State):
    """The last that entered, up to the window; `real` is False at padding and before a row began anew."""

    x: Tensor  # [B, N, D]
    real: Tensor  # [B, N]


class GTrXL(Cell[Inputs]):
    forms: ClassVar[tuple[Form, ...]] = ("parallel", "recurrent")

    def __init__(self, width: int, heads: int = 1, window: int = 64, expansion: int = 4) -> None:
        super().__init__(width)
        if window < 1 or expansion < 1:
            raise BadConfig(f"window and expansion must be at least 1, got {window} and {expansion}")
        self.heads, self.window = heads, window
        if head_width(width, heads) % 2:
            raise BadConfig(f"a head must be of even width, for its positions, got {width} / {heads}")
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)
        self.attention_gate, self.gate = GRUGate(width), GRUGate(width)

    def init_state(self, batch: int) -> Inputs:
        none = self.like.new_zeros(batch, 0, self.width)
        return Inputs(none, torch.zeros(batch, 0, dtype=torch.bool, device=none.device))

    def anew(self, state: Inputs, rows: Tensor) -> Inputs:
        return replace(state, real=state.real & ~rows[:, None])

    def scan(self, x: Tensor, state: Inputs, mask: Tensor | None, form: Form) -> tuple[Tensor, Inputs]:
        real = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
        size = 1 if form == "recurrent" else x.shape[1]
        out = []
        for piece, new in zip(x.split(size, 1), real.split(size, 1), strict=True):
            seen = Inputs(torch.cat([state.x, piece], 1), torch.cat([state.real, new], 1))
            u = self.attention_gate(piece, self.attend(seen, piece.shape[1]).relu())
            out.append(self.gate(u, self.down(self.up(self.norm(u)).relu()).relu()))
            drop = max(0, seen.x.shape[1] - self.window)
            state = Inputs(seen.x[:, drop:], seen.real[:, drop:])
        return torch.cat(out, 1), state

    def attend(self, seen: Inputs, t: int) -> Tensor:
        """What the last t tokens find in themselves and those before [B, t, D]."""
        n, x = seen.x.shape[1], self.attention_norm(seen.x)
        q, k, v = (
            f(y).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for f, y in ((self.q, x[:, n - t :]), (self.k, x), (self.v, x))
        )
        behind = torch.arange(n - t, n, device=x.device)[:, None] - torch.arange(n, device=x.device)  # [t, N]
        looks = (behind >= 0) & (behind <= self.window)
        looks = looks & seen.real[:, None, None] | (behind == 0)  # padding looks at itself, and is thrown away
        y = F.scaled_dot_product_attention(rotary(q, n - t), rotary(k), v, attn_mask=looks)
        out: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return out


class GRUGate(nn.Module):
    """What a layer says, let into what it was given by the gates of a GRU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.says, self.given = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.old = nn.Linear(width, width, bias=False)
        self.b = nn.Parameter(torch.full((width,), SHUT))

    def forward(self, x: Tensor, a: Tensor) -> Tensor:
        """x is what the layer was given, a what it says, both [B, T, D]."""
        (r, z, h), (r_x, z_x) = self.says(a).chunk(3, -1), self.given(x).chunk(2, -1)
        z = (z + z_x - self.b).sigmoid()
        mixed: Tensor = (1 - z) * x + z * (h + self.old((r + r_x).sigmoid() * x)).tanh()
        return mixed
