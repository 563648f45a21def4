"""Linear attention with a gate for every entry, its matrix replaced by a few waves of keys and of values.

Source:  "Recurrent Linear Transformers", Pramanik, Elelimy, Machado, White 2023 (arXiv 2310.15719),
         AGaLiTe.
Idea:    keys and values fade each by their own gates, so what is old can go entry by entry. The matrix of keys and
         values is never held: each is kept r times, multiplied by a cosine of its time, and r such pairs stand for the
         matrix, because the cosines of two times are all but orthogonal. Times that agree modulo r, up to their sign,
         are confused.
Cost:    O(T H η K (C + r)) time in blocks of C, O(T r H η K) token by token; H K (r (η + 1) + η) numbers of state.
Differs: the attention alone, without the gated block around it (see gtrxl.py).

    k_t = relu(W_k x) ⊗ relu(P_1 x)     q_t = relu(W_q x) ⊗ relu(P_2 x)     γ_t = σ(W_γ x) ⊗ σ(P_3 x)     β_t = σ(W_β x)
    K_t^i = (1 - γ_t) K_{t-1}^i + γ_t k_t cos(ω_i t)     V_t^i = (1 - β_t) V_{t-1}^i + β_t v_t cos(ω_i t)
    s_t = (1 - γ_t) s_{t-1} + γ_t k_t     y_t = Σ_i V_t^i (K_t^i·q_t) / (2 r s_t·q_t + ε)     ω_i = 2π i / r, i < r

For times under r / 2 it is, but for a factor of 4, exactly the gated linear attention (GaLiTe) it stands for:

    S_t = ((1 - γ_t) (1 - β_t)ᵀ) ⊙ S_{t-1} + (γ_t k_t) (β_t v_t)ᵀ     y_t = S_tᵀ q_t / s_t·q_t

Shapes: B batch, T tokens, H heads, K width of a head, η features of a key for each of its entries, r waves.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.qkv import head_width, unmasked

EPSILON = 1e-5


@dataclass(frozen=True)
class Waves(State):
    """`t` counts the tokens of each row: its time."""

    k: Tensor  # [B, H, r, ηK]
    v: Tensor  # [B, H, r, K]
    s: Tensor  # [B, H, ηK]
    t: Tensor  # [B], whole numbers


class Agalite(Cell[Waves]):
    forms: ClassVar[tuple[Form, ...]] = ("chunk", "recurrent")

    def __init__(self, width: int, heads: int = 1, eta: int = 4, r: int = 8, block_size: int = 8) -> None:
        super().__init__(width)
        if eta < 1 or r < 1:
            raise BadConfig(f"eta and r must be at least 1, got {eta} and {r}")
        self.heads, self.head, self.eta, self.r = heads, head_width(width, heads), eta, r
        self.block_size = block_size
        self.project = nn.ModuleList(nn.Linear(width, width) for _ in range(5))  # k, q, v, γ, β
        self.features = nn.ModuleList(nn.Linear(width, heads * eta) for _ in range(3))  # P_1, P_2, P_3
        self.out = nn.Linear(width, width, bias=False)

    def init_state(self, batch: int) -> Waves:
        k = self.like.new_zeros(batch, self.heads, self.r, self.eta * self.head)
        t = torch.zeros(batch, dtype=torch.long, device=k.device)
        return Waves(k, k.new_zeros(*k.shape[:3], self.head), k[:, :, 0], t)

    def scan(self, x: Tensor, state: Waves, mask: Tensor | None, form: Form) -> tuple[Tensor, Waves]:
        k, q, v, gamma, beta = (self._heads(f(x)) for f in self.project)  # [B, H, T, K]
        p_k, p_q, p_gamma = (self._heads(f(x)) for f in self.features)  # [B, H, T, η]
        k, q = outer(k.relu(), p_k.relu()), outer(q.relu(), p_q.relu())  # [B, H, T, ηK]
        gamma, beta = unmasked(outer(gamma.sigmoid(), p_gamma.sigmoid()), mask), unmasked(beta.sigmoid(), mask)
        real = torch.ones_like(x[..., 0], dtype=torch.long) if mask is None else mask.long()
        t = state.t[:, None] + real.cumsum(1)
        tokens = (q, gamma * k, beta * v, 1 - gamma, 1 - beta, self.waves(t)[:, None])
        run, size = (_token, 1) if form == "recurrent" else (_block, self.block_size)
        out = []
        for piece in zip(*(part.split(size, 2) for part in tokens), strict=True):
            y, total, state = run(state, *piece)
            out.append(y / (2 * self.r * total[..., None] + EPSILON))
        return self.out(torch.cat(out, 2).transpose(1, 2).flatten(2)), replace(state, t=t[:, -1])

    def _heads(self, x: Tensor) -> Tensor:
        heads: Tensor = x.unflatten(2, (self.heads, -1))
        return heads.transpose(1, 2)

    def waves(self, t: Tensor) -> Tensor:
        """cos(ω_i t) [..., r] for whole t; i t modulo r is taken first: late times are as exact as early ones."""
        turns = t[..., None] * torch.arange(self.r, device=t.device) % self.r
        return (turns.to(self.like) * (2 * math.pi / self.r)).cos()


def outer(x: Tensor, p: Tensor) -> Tensor:
    """[..., K] and [..., η] -> every product of the two, [..., ηK]."""
    return (p[..., None] * x[..., None, :]).flatten(-2)


def _token(
    state: Waves, q: Tensor, k: Tensor, v: Tensor, keep_k: Tensor, keep_v: Tensor, wave: Tensor
) -> tuple[Tensor, Tensor, Waves]:
    """The formula, for one token: all [B, H, 1, ...], k and v times their gates -> Σ_i V^i (K^i·q), s·q, the state."""
    k_seen, v_seen = keep_k * state.k + wave.mT * k, keep_v * state.v + wave.mT * v
    s = keep_k[:, :, 0] * state.s + k[:, :, 0]
    return (q @ k_seen.mT) @ v_seen, (q * s[:, :, None]).sum(-1), replace(state, k=k_seen, v=v_seen, s=s)


def _block(
    state: Waves, q: Tensor, k: Tensor, v: Tensor, keep_k: Tensor, keep_v: Tensor, wave: Tensor
) -> tuple[Tensor, Tensor, Waves]:
    """The same for C tokens: scores of all pairs first, then their waves, so that no K^i is made but the last."""
    left_k, from_k = _fading(keep_k)
    left_v, from_v = _fading(keep_v)
    scores = torch.einsum("bhtf,bhtjf,bhjf->bhtj", q, from_k, k)
    q_in = q * left_k
    a = scores @ wave + q_in @ state.k.mT  # K_t^i·q_t [B, H, C, r]
    y = torch.einsum("bhtj,bhtjk,bhjk->bhtk", a @ wave.mT, from_v, v) + left_v * (a @ state.v)
    total = scores.sum(-1) + torch.einsum("bhtf,bhf->bht", q_in, state.s)
    k_out, v_out, k_left, v_left = from_k[:, :, -1] * k, from_v[:, :, -1] * v, left_k[:, :, -1:], left_v[:, :, -1:]
    after = replace(
        state, k=k_left * state.k + wave.mT @ k_out, v=v_left * state.v + wave.mT @ v_out,
        s=k_left[:, :, 0] * state.s + k_out.sum(2),
    )  # fmt: skip
    return y, total, after


def _fading(keep: Tensor) -> tuple[Tensor, Tensor]:
    """keep [B, H, C, F] -> what is left of the state at t [B, H, C, F], and at t of what j wrote [B, H, C, C, F]."""
    log = keep.clamp(min=torch.finfo(keep.dtype).tiny).log().cumsum(2)
    later = torch.ones(log.shape[2], log.shape[2], dtype=torch.bool, device=log.device).triu(1)[..., None]
    return log.exp(), (log[:, :, :, None] - log[:, :, None]).masked_fill(later, -torch.inf).exp()
