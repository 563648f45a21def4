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
    flat = [x.flatten(0, 1).split(c, 1) for x in (q, k, v, beta[..., None])]  # batch and heads in one
    decays = [None] * len(flat[0]) if log_alpha is None else list(log_alpha.flatten(0, 1).split(c, 1))
    out, last = [], s.flatten(0, 1)
    for q_c, k_c, v_c, beta_c, decay in zip(*flat, decays, strict=True):
        y, last = _block(q_c, k_c, v_c, beta_c, decay, last)
        out.append(y)
    return torch.cat(out, 1).view_as(v), last.view_as(s)


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
    """All [B H, C, width], log α [B H, C]. The solver looks only at what lies under A's diagonal."""
    beta_k, reads = beta * k, q @ k.mT
    a, q_in, k_in, k_out = beta_k @ k.mT, q, beta_k, k
    if log_alpha is not None:
        log_g = log_alpha.cumsum(1)
        ratio = (log_g[..., None] - log_g[:, None]).tril().exp()  # g_i / g_j, at most 1 for j <= i
        a, reads = a * ratio, reads * ratio
        q_in, k_in = q * log_g.exp()[..., None], beta_k * log_g.exp()[..., None]
        k_out = k * (log_g[:, -1:] - log_g).exp()[..., None]
    wanted = torch.baddbmm(beta * v, k_in, s, alpha=-1)
    e = torch.linalg.solve_triangular(a, wanted, upper=False, unitriangular=True)
    y = torch.baddbmm(q_in @ s, reads.tril(), e)
    kept = s if log_alpha is None else s * log_g[:, -1, None, None].exp()
    return y, torch.baddbmm(kept, k_out.mT, e)
