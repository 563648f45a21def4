"""How an associative cell moves the weights of its memory at test time: what it keeps of them, and the step it takes.

Miras calls these retention and the learning rule; here one object, because each paper gives them together. The weights
are kept as `u`, in whatever form the rule adds to, and `weights` makes of it what the memory is read with; at first `u`
is what the outer loop learned.

    α  how much is forgotten, 0 to 1     η  how much of the last step is kept, 0 to 1     θ  the size of the new step

Shapes: any; α, η and θ broadcast against a weight.
"""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

Gates = tuple[Tensor, Tensor, Tensor]  # α, η, θ


class InnerRule(Protocol):
    def weights(self, u: Tensor) -> Tensor:
        """What the memory is read with."""

    def step(self, u: Tensor, s: Tensor, gradient: Tensor, gates: Gates) -> tuple[Tensor, Tensor]:
        """u and the last step s -> the next ones, given the gradient and (α, η, θ)."""


@dataclass(frozen=True)
class Descent:
    """u = (1 - α) u + s, s = η s - θ ∇: Titans' surprise with momentum and forgetting."""

    def weights(self, u: Tensor) -> Tensor:
        return u

    def step(self, u: Tensor, s: Tensor, gradient: Tensor, gates: Gates) -> tuple[Tensor, Tensor]:
        alpha, eta, theta = gates
        s = eta * s - theta * gradient
        return (1 - alpha) * u + s, s


@dataclass(frozen=True)
class Muon:
    """u = (1 - α) u + θ NewtonSchulz(s), s = η s - ∇: ATLAS' step, alike in size in every direction."""

    iterations: int = 5  # the paper's

    def weights(self, u: Tensor) -> Tensor:
        return u

    def step(self, u: Tensor, s: Tensor, gradient: Tensor, gates: Gates) -> tuple[Tensor, Tensor]:
        alpha, eta, theta = gates
        s = eta * s - gradient
        return (1 - alpha) * u + theta * newton_schulz(s, self.iterations), s


@dataclass(frozen=True)
class PlainDescent:
    """u = (1 - α) u - θ ∇: no momentum, as in Yaad."""

    def weights(self, u: Tensor) -> Tensor:
        return u

    def step(self, u: Tensor, s: Tensor, gradient: Tensor, gates: Gates) -> tuple[Tensor, Tensor]:
        return descended(u, gradient, gates), s


@dataclass(frozen=True)
class NormedDescent:
    """As PlainDescent, read as W = u / |u|_q^(q - 2): Moneta's retention, which bounds the q-norm."""

    q: float = 4.0

    def step(self, u: Tensor, s: Tensor, gradient: Tensor, gates: Gates) -> tuple[Tensor, Tensor]:
        return descended(u, gradient, gates), s

    def weights(self, u: Tensor) -> Tensor:
        norm = u.abs().pow(self.q).sum((-2, -1), keepdim=True).clamp(min=1e-12).pow(1 / self.q)
        return u / norm.pow(self.q - 2)


@dataclass(frozen=True)
class Entropic:
    """W = c softmax(u), u = (1 - α) log(W / c) - θ ∇: Memora's; weights stay positive and their sum is fixed.

    c is `total` times the rows of the matrix, so that a value is an average when total is 1.
    """

    total: float = 1.0

    def weights(self, u: Tensor) -> Tensor:
        return self.total * u.shape[-2] * u.flatten(-2).softmax(-1).view_as(u)

    def step(self, u: Tensor, s: Tensor, gradient: Tensor, gates: Gates) -> tuple[Tensor, Tensor]:
        return descended(u - u.flatten(-2).logsumexp(-1)[..., None, None], gradient, gates), s


def descended(u: Tensor, gradient: Tensor, gates: Gates) -> Tensor:
    """(1 - α) u - θ ∇: forgetting, and a step without momentum."""
    alpha, _, theta = gates
    return (1 - alpha) * u - theta * gradient


def newton_schulz(x: Tensor, iterations: int) -> Tensor:
    """x [..., M, N] with its singular values brought near 1.

    Source: the quintic iteration of Muon (Jordan et al. 2024), its coefficients chosen for speed, not for exactness:
    values end between 0.7 and 1.2.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    turned = x.shape[-2] > x.shape[-1]
    x = x.mT if turned else x
    x = x / (x.flatten(-2).norm(dim=-1)[..., None, None] + 1e-7)
    for _ in range(iterations):
        g = x @ x.mT
        x = a * x + (b * g + c * (g @ g)) @ x
    return x.mT if turned else x
