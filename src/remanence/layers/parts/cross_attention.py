"""Softmax attention from one set of vectors to another: how slots and tokens read each other.

    y_i = Σ_j softmax_j(q_i·k_j / √K + bias_ij) v_j     q from what looks, k and v from what is looked at

Shapes: B batch, T what looks, N what is looked at, D width, H heads, K width of a head.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from remanence.layers.parts.qkv import head_width


class CrossAttention(nn.Module):
    def __init__(self, width: int, heads: int = 1) -> None:
        super().__init__()
        self.heads, self.head = heads, head_width(width, heads)
        self.q, self.k, self.v, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))

    def split(self, x: Tensor) -> Tensor:
        """[..., D] -> [..., H, K]."""
        heads: Tensor = x.unflatten(-1, (self.heads, self.head))
        return heads

    def forward(self, x: Tensor, seen: Tensor, bias: Tensor | None = None) -> Tensor:
        """x [B, T, D], seen [B, N, D], bias [B, H, T, N] -> [B, T, D]."""
        q, k, v = (self.split(y).transpose(1, 2) for y in (self.q(x), self.k(seen), self.v(seen)))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        out: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return out
