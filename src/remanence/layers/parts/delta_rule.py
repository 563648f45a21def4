"""The delta rule over a sequence, with decay: S_t = α_t S_{t-1} + β_t k_t (v_t - α_t S_{t-1}^T k_t)^T, y_t = S_t^T q_t.

Source:  "Parallelizing Linear Transformers with the Delta Rule over Sequence Length", Yang, Wang, Zhang, Shen, Kim 2024
         (arXiv 2406.06484) for the blocks; "Gated Delta Networks", Yang, Kautz, Hatamizadeh 2024 (arXiv 2412.06464) for
         the decay.
Idea:    within a block the corrections e_t = β_t (v_t - α_t S_{t-1}^T k_t) solve a triangular system, because each
         depends on those before it; with them a block is three matrix products.

With g_t = Π_{i<=t} α_i of the block so far and A_ij = β_i (g_i / g_j) k_i·k_j for j < i:

    (I + A) E = β (V - g K S_0)     Y = g Q S_0 + tril(g_i / g_j Q K^T) E     S_C = g_C (S_0 + Σ_j k_j e_j^T / g_j)

Shapes: B batch, H heads, T tokens, K key width, V value width, C tokens of a block.
"""

import torch
from torch import Tensor

from remanence.layers.contract.cell import Form


def delta_rule(
    q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_alpha: Tensor | None, s: Tensor, form: Form, block_size: int
) -> tuple[Tensor, Tensor]:
    """q, k [B, H, T, K], v [B, H, T, V], β and log α <= 0 [B, H, T] (None: no decay), s [B, H, K, V] -> y, last S."""
    if form == "recurrent":
        return _recurrent(q, k, v, beta, log_alpha, s)
    c = q.shape[2] if form == "parallel" else block_size
    blocks = [x.split(c, 2) for x in (q, k, v, beta)]
    decays = [None] * len(blocks[0]) if log_alpha is None else list(log_alpha.split(c, 2))
    out = []
    for q_c, k_c, v_c, beta_c, decay in zip(*blocks, decays, strict=True):
        y, s = _block(q_c, k_c, v_c, beta_c, decay, s)
        out.append(y)
    return torch.cat(out, 2), s


def _recurrent(
    q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_alpha: Tensor | None, s: Tensor
) -> tuple[Tensor, Tensor]:
    out = []
    for t in range(q.shape[2]):
        if log_alpha is not None:
            s = s * log_alpha[:, :, t, None, None].exp()
        error = v[:, :, t] - torch.einsum("bhk,bhkv->bhv", k[:, :, t], s)
        s = s + k[:, :, t, :, None] * (beta[:, :, t, None] * error)[:, :, None]
        out.append(torch.einsum("bhk,bhkv->bhv", q[:, :, t], s))
    return torch.stack(out, 2), s


def _block(q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_alpha: Tensor | None, s: Tensor) -> tuple[Tensor, Tensor]:
    products, reads = k @ k.mT, q @ k.mT
    q_in, k_in, k_out, left = q, k, k, None
    if log_alpha is not None:
        log_g = log_alpha.cumsum(2)  # [B, H, C]
        ratio = (log_g[..., None] - log_g[..., None, :]).tril().exp()  # g_i / g_j, at most 1 for j <= i
        products, reads = products * ratio, reads * ratio
        q_in, k_in = q * log_g.exp()[..., None], k * log_g.exp()[..., None]
        k_out = k * (log_g[..., -1:] - log_g).exp()[..., None]
        left = log_g[..., -1, None, None].exp()
    system = (beta[..., None] * products).tril(-1) + torch.eye(q.shape[2], dtype=q.dtype, device=q.device)
    e = torch.linalg.solve_triangular(system, beta[..., None] * (v - k_in @ s), upper=False, unitriangular=True)
    y = q_in @ s + reads.tril() @ e
    return y, (s if left is None else s * left) + k_out.mT @ e
