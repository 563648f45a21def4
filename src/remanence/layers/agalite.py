"""Linear attention with a gate for every entry, its matrix replaced by a few waves of keys and of values.

Source:  "Recurrent Linear Transformers", Pramanik, Elelimy, Machado, White 2023 (arXiv 2310.15719); later called AGaLiTe.
Idea:    keys and values fade each by their own gates, so what is old can go entry by entry. The matrix of keys and
         values is never held: each is kept r times, multiplied by a cosine of its time, and r such pairs stand for the
         matrix, because the cosines of two times are all but orthogonal. Times that agree modulo r, up to their sign,
         are confused.
Cost:    O(T log C r H η K) time in blocks of C; r H (η + 1) K + H η K numbers of state a sequence.
Differs: the attention alone, without the gated block around it (see gtrxl.py).

    k_t = relu(W_k x) ⊗ relu(P_1 x)     q_t = relu(W_q x) ⊗ relu(P_2 x)     γ_t = σ(W_γ x) ⊗ σ(P_3 x)     β_t = σ(W_β x)
    K_t^i = (1 - γ_t) K_{t-1}^i + γ_t k_t cos(ω_i t)     V_t^i = (1 - β_t) V_{t-1}^i + β_t v_t cos(ω_i t)
    s_t = (1 - γ_t) s_{t-1} + γ_t k_t     y_t = Σ_i V_t^i (K_t^i·q_t) / (2 r s_t·q_t + ε)     ω_i = 2π i / r, i < r

For times under r / 2 it is, but for a factor of 4, exactly the gated linear attention (GaLiTe) it stands for:

    S_t = ((1 - γ_t) (1 - β_t)ᵀ) S_{t-1} + (γ_t k_t) (β_t v_t)ᵀ     y_t = S_tᵀ q_t / s_t·q_t

Shapes: B batch, T tokens, H heads, K width of a head, η features of a key for each of its entries, r waves.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.prefix_scan import Leaves, prefix_scan
from remanence.layers.parts.qkv import head_width

EPSILON = 1e-5


@dataclass(frozen=True)
class Waves(State):
    """`t` counts the tokens of each row: its time."""

    k: Tensor  # [B, r, H, ηK]
    v: Tensor  # [B, r, H, K]
    s: Tensor  # [B, H, ηK]
    t: Tensor  # [B], whole numbers


class Agalite(Cell[Waves]):
    forms: ClassVar[tuple[Form, ...]] = ("chunk", "recurrent")

    def __init__(self, width: int, heads: int = 1, eta: int = 4, r: int = 8, block_size: int = 64) -> None:
        super().__init__(width)
        if eta < 1 or r < 1:
            raise BadConfig(f"eta and r must be at least 1, got {eta} and {r}")
        self.heads, self.head, self.eta, self.r = heads, head_width(width, heads), eta, r
        self.block_size = block_size
        self.project = nn.ModuleList(nn.Linear(width, width) for _ in range(5))  # k, q, v, γ, β
        self.features = nn.ModuleList(nn.Linear(width, heads * eta) for _ in range(3))  # P_1, P_2, P_3
        self.out = nn.Linear(width, width, bias=False)

    def init_state(self, batch: int) -> Waves:
        k = self.like.new_zeros(batch, self.r, self.heads, self.eta * self.head)
        t = torch.zeros(batch, dtype=torch.long, device=k.device)
        return Waves(k, k.new_zeros(*k.shape[:3], self.head), k[:, 0], t)

    def scan(self, x: Tensor, state: Waves, mask: Tensor | None, form: Form) -> tuple[Tensor, Waves]:
        k, q, v, gamma, beta = (f(x).unflatten(2, (self.heads, self.head)) for f in self.project)  # [B, T, H, K]
        p_k, p_q, p_gamma = (f(x).unflatten(2, (self.heads, self.eta)) for f in self.features)
        real = torch.ones_like(x[..., 0]) if mask is None else mask.to(x)
        k, q = outer(k.relu(), p_k.relu()), outer(q.relu(), p_q.relu())  # [B, T, H, ηK]
        gamma = outer(gamma.sigmoid(), p_gamma.sigmoid()) * real[..., None, None]
        beta = beta.sigmoid() * real[..., None, None]
        t = state.t[:, None] + real.long().cumsum(1)
        wave = (t[..., None] * self.frequencies).cos()[..., None, None]  # [B, T, r, 1, 1]
        block = 1 if form == "recurrent" else self.block_size
        k_seen = fade((1 - gamma)[:, :, None], wave * (gamma * k)[:, :, None], state.k, block)
        v_seen = fade((1 - beta)[:, :, None], wave * (beta * v)[:, :, None], state.v, block)
        s_seen = fade(1 - gamma, gamma * k, state.s, block)
        y = torch.einsum("btrhk,btrhf,bthf->bthk", v_seen, k_seen, q)
        y = y / (2 * self.r * (s_seen * q).sum(-1, keepdim=True) + EPSILON)
        return self.out(y.flatten(2)), Waves(k_seen[:, -1], v_seen[:, -1], s_seen[:, -1], t[:, -1])

    @property
    def frequencies(self) -> Tensor:
        """ω [r]."""
        return torch.arange(self.r, device=self.like.device, dtype=self.like.dtype) * (2 * math.pi / self.r)


def outer(x: Tensor, p: Tensor) -> Tensor:
    """[..., K] and [..., η] -> every product of the two, [..., ηK]."""
    return (p[..., None] * x[..., None, :]).flatten(-2)


def fade(a: Tensor, b: Tensor, before: Tensor, block: int) -> Tensor:
    """h_t = a_t h_{t-1} + b_t for a and b [B, T, ...], from h_0 = `before` [B, ...]; a block at a time."""
    out = []
    for a_c, b_c in zip(a.split(block, 1), b.split(block, 1), strict=True):
        b_c = torch.cat([a_c[:, :1] * before[:, None] + b_c[:, :1], b_c[:, 1:]], 1)
        _, h = prefix_scan(_then, (a_c, b_c), dim=1)
        out.append(h)
        before = h[:, -1]
    return torch.cat(out, 1)


def _then(early: Leaves, late: Leaves) -> Leaves:
    """h -> a h + b, one after the other."""
    return early[0] * late[0], late[0] * early[1] + late[1]
