"""What an associative cell learns at test time: a small function from keys to values, one for each head and sequence.

Miras calls it the memory architecture. A memory is no torch module: its weights are state, written while reading.

Shapes: K key width, V value width; weights of one head, without batch.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

Weights = tuple[Tensor, ...]
RATE = 0.1  # of a step in an MLP at most: a whole one overshoots, because a layer norm follows


class InnerMemory(Protocol):
    def init(self, keys: int, values: int) -> Weights:
        """The weights before anything was read, for widths of a key and a value; learned by the outer loop."""

    def read(self, weights: Weights, x: Tensor) -> Tensor:
        """x [K] -> [V]."""


@dataclass(frozen=True)
class Matrix:
    """y = xᵀ W: linear associative memory, nothing at first."""

    def init(self, keys: int, values: int) -> Weights:
        return (torch.zeros(keys, values),)

    def read(self, weights: Weights, x: Tensor) -> Tensor:
        return x @ weights[0]


@dataclass(frozen=True)
class MLP:
    """y = x + norm(W2ᵀ gelu(W1ᵀ x)): what a matrix cannot hold, two of them with a bend between can.

    Norm is over the value, without weights. Where keys are wider than values, the x that is added is cut to theirs.
    """

    expansion: int = 2

    def init(self, keys: int, values: int) -> Weights:
        hidden = self.expansion * values
        return torch.randn(keys, hidden) * keys**-0.5, torch.randn(hidden, values) * hidden**-0.5

    def read(self, weights: Weights, x: Tensor) -> Tensor:
        y = F.gelu(x @ weights[0]) @ weights[1]
        return x[..., : y.shape[-1]] + F.layer_norm(y, y.shape[-1:])
