"""Policies that let go of tokens as they are read, so that nothing is left to choose: all that is held is read.

    Forgetful   what is left is read like a plain cache: its keys are rotated once, and again when some were let go of
    Keep        holds a fixed number of tokens: each gets a number, and the best are kept

Sinks and the newest tokens are kept whatever their number; what is let go of is gone.
"""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from remanence.cache.base import Base, Far
from remanence.cache.parts.held import PADDING, Held
from remanence.errors import BadConfig


@dataclass(kw_only=True)
class Forgetful(Base):
    """Lets go when `stride` tokens more are held than sinks, budget and local. One by one is with a stride of 1."""

    @property
    def forgets(self) -> bool:
        return True

    @property
    def holds_rotated(self) -> bool:
        return self.positions == "true"

    @property
    def most(self) -> int:
        """Tokens held after some were let go of."""
        return self.sinks + self.budget + self.local

    @abstractmethod
    def kept(self, held: Held) -> Tensor:
        """[B or 1, H or 1, most]: of the tokens held, those that are still to be, ascending."""

    def covers(self, tokens: int) -> bool:
        return tokens < self.most + self.stride

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        return Far.span(start, end, query.device)

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        """All that is held; where tokens between were let go of, as far tokens, if these stand elsewhere than near."""
        gone = held.seen - len(held)
        return self.far(held, query, self.sinks, past - self.local) if gone and self.positions == "fixed" else None

    def added(self, held: Held) -> None:
        if not self.covers(len(held)):
            held.keep(self.kept(held))


@dataclass(kw_only=True)
class Keep(Forgetful):
    keep: int = 1024  # tokens held after each piece that is read: sinks, the best, and the newest

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.keep < self.sinks + self.local:
            raise BadConfig(f"keep must be at least sinks + local = {self.sinks + self.local}, got {self.keep}")

    @property
    def budget(self) -> int:
        return self.keep - self.sinks - self.local

    def pad(self, n: int) -> None:
        super().pad(n)
        self.keep += n

    @abstractmethod
    def score(self, held: Held, start: int, end: int) -> Tensor:
        """[B or 1, H or 1, end - start]: the greater, the longer it is kept."""

    def kept(self, held: Held) -> Tensor:
        start, end = self.sinks, len(held) - self.local
        scores = self.score(held, start, end).masked_fill(held.places()[..., start:end] == PADDING, -torch.inf)
        best = scores.topk(self.budget, -1).indices.sort(-1).values + start
        first, last = (torch.arange(*span, device=best.device) for span in ((0, start), (end, len(held))))
        return torch.cat([first.expand(*best.shape[:2], -1), best, last.expand(*best.shape[:2], -1)], 2)
