"""Weights as memory: read like a layer, written in closed form or by gradient, and every write can be undone."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from remanence.layers.base import Base


@dataclass(frozen=True)
class Delta:
    """What a write adds to parameters, by name. Applied and reverted as often as one likes; deltas add up."""

    changes: Mapping[str, Tensor]

    @torch.no_grad()
    def apply(self, module: nn.Module, sign: float = 1.0) -> None:
        parameters = dict(module.named_parameters())
        for name, change in self.changes.items():
            parameters[name].add_(change.to(parameters[name]), alpha=sign)

    def revert(self, module: nn.Module) -> None:
        self.apply(module, -1.0)

    def merge(self, other: "Delta") -> "Delta":
        names = [*self.changes, *(name for name in other.changes if name not in self.changes)]
        return Delta({name: _sum(self.changes.get(name), other.changes.get(name)) for name in names})


class ParametricMemory(Base):
    """y = memory(x), with no state between calls."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """x [B, T, D] -> y [B, T, D]."""

    @abstractmethod
    def lookup(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Which entries each token reads, and with what weight: ids and weights [B, T, k]."""

    @abstractmethod
    def write(self, x: Tensor, values: Tensor) -> Delta:
        """The change after which x [N, D] answers values [N, D] as nearly as it can; nothing is applied."""


def _sum(a: Tensor | None, b: Tensor | None) -> Tensor:
    if a is None or b is None:
        return b if a is None else a  # type: ignore[return-value]
    return a + b
