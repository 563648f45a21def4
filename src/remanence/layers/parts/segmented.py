"""A cell that reads in segments: what lies inside one is attended to, what came before it is in a memory.

The memory is written when a segment is full. Until then its tokens are kept as they came and are read again with those
that follow, so a sequence may be cut anywhere; rows begin anew at multiples of `segment`.

Cost: up to S - 1 tokens are run through the cell again at each call.

Shapes: B batch, T tokens, S tokens of a segment, D width.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeVar

import torch
from torch import Tensor

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State

M = TypeVar("M", bound=State)


@dataclass(frozen=True)
class Segmented(State, Generic[M]):
    memory: M  # after the last full segment
    x: Tensor  # [B, T, D], tokens of the one that is not full; T < S
    real: Tensor  # [B, T], False at padding and before a row began anew


class SegmentedCell(Cell[Segmented[M]]):
    """Leaves say what a memory is and how one segment is read."""

    forms: ClassVar[tuple[Form, ...]] = ("chunk", "recurrent")

    def __init__(self, width: int, segment: int) -> None:
        super().__init__(width)
        if segment < 1:
            raise BadConfig(f"segment must be at least 1 token, got {segment}")
        self.grain = segment

    @abstractmethod
    def first(self, batch: int) -> M:
        """The memory before the first segment."""

    @abstractmethod
    def segment(self, x: Tensor, real: Tensor, memory: M) -> tuple[Tensor, M]:
        """x [B, T, D], T <= S, from the start of a segment -> y [B, T, D], and the memory if it ends here."""

    def init_state(self, batch: int) -> Segmented[M]:
        none = self.like.new_zeros(batch, 0, self.width)
        return Segmented(self.first(batch), none, torch.zeros(batch, 0, dtype=torch.bool, device=none.device))

    def anew(self, state: Segmented[M], rows: Tensor) -> Segmented[M]:
        memory = self.first(len(rows)).where(rows, state.memory)
        return Segmented(memory, state.x * ~rows[:, None, None], state.real & ~rows[:, None])

    def scan(self, x: Tensor, state: Segmented[M], mask: Tensor | None, form: Form) -> tuple[Tensor, Segmented[M]]:
        real = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
        out, at = [], 0
        while at < x.shape[1]:
            end = at + 1 if form == "recurrent" else min(x.shape[1], at + self.grain - state.x.shape[1])
            y, state = self._more(x[:, at:end], real[:, at:end], state)
            out.append(y)
            at = end
        return torch.cat(out, 1), state

    def _more(self, x: Tensor, real: Tensor, state: Segmented[M]) -> tuple[Tensor, Segmented[M]]:
        """Tokens that fit into the segment."""
        new = x.shape[1]
        x, real = torch.cat([state.x, x], 1), torch.cat([state.real, real], 1)
        y, memory = self.segment(x, real, state.memory)
        if x.shape[1] == self.grain:
            return y[:, -new:], Segmented(memory, x[:, :0], real[:, :0])
        return y[:, -new:], replace(state, x=x, real=real)


def looks_back(real: Tensor) -> Tensor:
    """real [B, T] -> which tokens of a segment each may look at [B, 1, T, T]; one at padding looks at itself."""
    t = real.shape[1]
    past = torch.ones(t, t, dtype=torch.bool, device=real.device).tril()
    return (past & real[:, None] | torch.eye(t, dtype=torch.bool, device=real.device))[:, None]
