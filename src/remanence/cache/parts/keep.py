"""Policies that hold a fixed number of tokens: each gets a number, and the best are kept.

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
class Keep(Base):
    keep: int = 1024  # tokens held after each piece that is read: sinks, the best, and the newest

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.keep < self.sinks + self.local:
            raise BadConfig(f"keep must be at least sinks + local = {self.sinks + self.local}, got {self.keep}")

    @property
    def forgets(self) -> bool:
        return True

    @property
    def budget(self) -> int:
        return self.keep - self.sinks - self.local

    def pad(self, n: int) -> None:
        super().pad(n)
        self.keep += n

    @abstractmethod
    def score(self, held: Held, start: int, end: int) -> Tensor:
        """[B or 1, H or 1, end - start]: the greater, the longer it is kept."""

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        return Far.span(start, end, query.device)

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        """All that is held; where tokens between were let go of, as far tokens, so that their positions count."""
        end = past - self.local
        whole = self.positions == "compact" or held.where is None or end <= self.sinks
        return None if whole else self.far(held, query, self.sinks, end)

    def added(self, held: Held) -> None:
        n = len(held)
        if n <= self.keep:
            return
        start, end = self.sinks, n - self.local
        scores = self.score(held, start, end).masked_fill(held.places()[..., start:end] == PADDING, -torch.inf)
        best = scores.topk(self.budget, -1).indices.sort(-1).values + start
        first, last = (torch.arange(*span, device=best.device) for span in ((0, start), (end, n)))
        held.keep(torch.cat([first.expand(*best.shape[:2], -1), best, last.expand(*best.shape[:2], -1)], 2))
