"""An associative matrix at every layer, read by all tokens and written by memory tokens with the delta rule.

Source:  "Associative Recurrent Memory Transformer", Rodkin, Kuratov, Bulatov, Burtsev 2024 (arXiv 2407.04841).
Idea:    a few memory tokens gather what a segment says; what they gathered is kept under keys, so that it neither
         passes through the model again and again, as in RMT, nor disturbs what is kept under other keys.
Cost:    M tokens more a segment; 2 ν K (D + 1) numbers of state a layer.
Differs: checked against the authors' code, whose denominators have 1e-5 added where ours are at least 1e-6 (where
         nothing was written, nothing is read), which takes γ as given where a gradient goes through ours, and which
         begins with W_v = 0, so that a trained model is not disturbed. One head and β of the token, its defaults.

Before layer l every token, memory tokens included, reads; after it the M memory tokens m write:

    x <- x + A φ(W_q x) / (z·φ(W_q x))
    A <- A + Σ_m β (v - A φ(k) / (z·φ(k))) φ(k)ᵀ     z <- z + Σ_m γ φ(k)     γ = clip(1 - z·φ(k) / |φ(k)|², 0, 1)
    k = W_k m,  v = W_v m,  β = σ(W_β m)             φ(x) ~ [r(x) ⊙ roll(r(x), i)] for i = 1..ν,  r(x) = relu([x, -x])

φ is of length 1. γ lets a key that is already known leave z as it is: z counts keys, and not writes.

Shapes: B batch, T tokens, M memory tokens, D width, K key width, P = 2 ν K features, L layers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.segment import Context, SegmentMemory, SegmentOut
from remanence.layers.contract.state import State

EPS = 1e-6  # the least a denominator is: a query that has next to nothing in common with any key reads nothing


@dataclass(frozen=True)
class Associations(State):
    a: tuple[Tensor, ...]  # L times [B, P, D]
    z: tuple[Tensor, ...]  # L times [B, P]


class Associative(nn.Module):
    """The matrix of one layer."""

    def __init__(self, width: int, keys: int, nu: int) -> None:
        super().__init__()
        self.nu = nu
        self.q, self.k = nn.Linear(width, keys, bias=False), nn.Linear(width, keys, bias=False)
        self.v, self.beta = nn.Linear(width, width, bias=False), nn.Linear(width, 1)

    def read(self, x: Tensor, a: Tensor, z: Tensor) -> Tensor:
        """x [B, T, D] -> [B, T, D]."""
        return answer(F.normalize(dpfp(self.q(x), self.nu), dim=-1), a, z)

    def write(self, m: Tensor, a: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """m [B, M, D]."""
        phi = F.normalize(dpfp(self.k(m), self.nu), dim=-1)
        return update(phi, self.v(m), self.beta(m).sigmoid(), a, z)


class ARMT(SegmentMemory[Associations]):
    def __init__(self, width: int, depth: int, tokens: int = 8, keys: int = 16, nu: int = 3) -> None:
        super().__init__(width, depth)
        if tokens < 1 or keys < 1 or nu < 1:
            raise BadConfig(f"tokens, keys and nu must be at least 1, got {tokens}, {keys} and {nu}")
        self.features = 2 * nu * keys
        self.tokens = nn.Parameter(torch.randn(tokens, width) * 0.02)
        self.layers = nn.ModuleList(Associative(width, keys, nu) for _ in range(depth))

    @property
    def matrices(self) -> Iterable[Associative]:
        return (layer for layer in self.layers if isinstance(layer, Associative))

    def init_state(self, batch: int) -> Associations:
        a = self.like.new_zeros(batch, self.features, self.width)
        return Associations((a,) * self.depth, (a[..., 0],) * self.depth)

    def read(self, segment: Tensor, state: Associations) -> Context:
        reads = list(zip(self.matrices, state.a, state.z, strict=True))

        def enter(i: int, x: Tensor) -> Tensor:
            layer, a, z = reads[i]
            return x + layer.read(x, a, z)

        return Context(suffix=self.tokens.expand(len(segment), -1, -1), enter=enter)

    def write(self, out: SegmentOut, state: Associations) -> Associations:
        m = [x[:, -out.suffix :] for x in out.left[1:]]
        written = [layer.write(*each) for layer, *each in zip(self.matrices, m, state.a, state.z, strict=True)]
        return Associations(tuple(a for a, _ in written), tuple(z for _, z in written))


def dpfp(x: Tensor, nu: int) -> Tensor:
    """[..., K] -> [..., 2 ν K]: products of neighbours, so that most of them are 0."""
    r = F.relu(torch.cat([x, -x], -1))
    return torch.cat([r * r.roll(i, -1) for i in range(1, nu + 1)], -1)


def answer(phi: Tensor, a: Tensor, z: Tensor) -> Tensor:
    """phi [B, T, P] -> A φ / (z·φ) [B, T, D]."""
    return phi @ a / _safe(phi @ z[..., None])


def update(phi: Tensor, v: Tensor, beta: Tensor, a: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """phi [B, M, P], v [B, M, D], beta [B, M, 1]; all M are compared with what was known before."""
    gamma = (1 - phi @ z[..., None] / _safe(phi.square().sum(-1, keepdim=True))).clamp(0, 1)
    return a + phi.mT @ (beta * (v - answer(phi, a, z))), z + (gamma * phi).sum(1)


def _safe(x: Tensor) -> Tensor:
    return x.clamp(min=EPS)
