"""The state of cells that keep a matrix a head, and a mapping of keys to values in it."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from remanence.layers.contract.state import State
from remanence.layers.parts.qkv import QKV, Convs


@dataclass(frozen=True)
class FastWeights(State):
    """`s` maps keys to values; `convs` is what the short convolutions saw last."""

    s: Tensor  # [B, H, K, V]
    convs: Convs

    @classmethod
    def empty(cls, qkv: QKV, batch: int, keys: int, values: int) -> Self:
        """Matrices of so many keys and values, for each head of each store."""
        convs = qkv.init_state(batch)
        return cls(convs[0].new_zeros(batch, qkv.stores * qkv.heads, keys, values), convs)
