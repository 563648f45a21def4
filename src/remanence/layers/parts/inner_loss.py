"""What an associative cell minimises at test time, of what its memory answers y and what it should v.

Miras calls it the attentional bias. Each is a sum over the value, so that its gradient does not shrink with the width.

Shapes: V value width.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class InnerLoss(Protocol):
    def __call__(self, y: Tensor, v: Tensor) -> Tensor:
        """[V] and [V] -> one number."""


@dataclass(frozen=True)
class Dot:
    """-y·v: Hebbian; with a matrix and no retention, linear attention."""

    def __call__(self, y: Tensor, v: Tensor) -> Tensor:
        return -(y * v).sum()


@dataclass(frozen=True)
class L2:
    """|y - v|² / 2: the delta rule."""

    def __call__(self, y: Tensor, v: Tensor) -> Tensor:
        return (y - v).square().sum() / 2


@dataclass(frozen=True)
class Lp:
    """Σ |y - v|^p / p: Moneta's, with p = 3; |·| is smoothed near 0 for a gradient everywhere."""

    p: float = 3.0
    smooth: float = 1e-6

    def __call__(self, y: Tensor, v: Tensor) -> Tensor:
        return ((y - v).square() + self.smooth).pow(self.p / 2).sum() / self.p


@dataclass(frozen=True)
class Huber:
    """Squared up to `delta`, in proportion beyond: Yaad's, which outliers pull no harder than their sign."""

    delta: float = 1.0

    def __call__(self, y: Tensor, v: Tensor) -> Tensor:
        off = (y - v).abs()
        return torch.where(off <= self.delta, off.square() / 2, self.delta * (off - self.delta / 2)).sum()
