"""The state of cells that keep a matrix a head, and a mapping of keys to values in it."""

from dataclasses import dataclass

from torch import Tensor

from remanence.layers.contract.state import State
from remanence.layers.parts.qkv import Convs


@dataclass(frozen=True)
class FastWeights(State):
    """`s` maps keys to values; `convs` is what the short convolutions saw last."""

    s: Tensor  # [B, H, K, V]
    convs: Convs
