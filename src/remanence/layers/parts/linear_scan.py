"""y_t = q_t S_t with S_t = S_{t-1} + k_t v_t^T, in three forms that agree.

Shapes: B batch, H heads, T tokens, K key width, V value width, C tokens of a block.
"""

import torch
from torch import Tensor

from remanence.layers.contract.cell import Form


def linear_scan(q: Tensor, k: Tensor, v: Tensor, s: Tensor, form: Form, block_size: int) -> tuple[Tensor, Tensor]:
    """q, k [B, H, T, K], v [B, H, T, V], s [B, H, K, V] -> y [B, H, T, V] and the last S."""
    if form == "recurrent":
        out = []
        for t in range(q.shape[2]):
            s = s + k[:, :, t, :, None] * v[:, :, t, None]
            out.append(torch.einsum("bhk,bhkv->bhv", q[:, :, t], s))
        return torch.stack(out, 2), s
    c = q.shape[2] if form == "parallel" else block_size
    out = []
    for q_c, k_c, v_c in zip(q.split(c, 2), k.split(c, 2), v.split(c, 2), strict=True):
        out.append(q_c @ s + (q_c @ k_c.mT).tril() @ v_c)
        s = s + k_c.mT @ v_c
    return torch.cat(out, 2), s
