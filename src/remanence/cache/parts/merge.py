"""Policies that hold a fixed number of states for the far past: what leaves the local window is merged into them.

Idea:    a state is the mean of the keys and of the values of the tokens it stands for; it is read where the newest of
         them was. Until there are more tokens than states, nothing is merged.

Shapes: B batch, H key-value heads, N states, D width.
"""

from abc import abstractmethod
from dataclasses import dataclass, field

from torch import Tensor

from remanence.cache.base import Base, Far
from remanence.cache.parts.held import PADDING, Held
from remanence.errors import BadConfig


@dataclass(frozen=True, slots=True)
class States:
    """In the order of their places. One that stands for no token is padding and counts 0."""

    k: Tensor  # [B, H, N, D]
    v: Tensor  # [B, H, N, D]
    places: Tensor  # [B, H, N]
    counts: Tensor  # [B, H, N], of the tokens each stands for


@dataclass(kw_only=True)
class Merge(Base):
    states: int = 1024  # held of the far past, for each key-value head
    counts: Tensor | None = field(default=None, init=False, repr=False, compare=False)  # [B, H, states]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.states < 1:
            raise BadConfig(f"states must be at least 1, got {self.states}")

    @property
    def forgets(self) -> bool:
        return True

    @property
    def budget(self) -> int:
        return self.states

    @abstractmethod
    def merge(self, states: States, old: int) -> States:
        """As many as are to be held; the first `old` were merged before, the others are single tokens."""

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        return Far.span(start, end, query.device)

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        """All that is held; as far ones where positions count or some states are empty."""
        whole = self.counts is None or (self.positions == "compact" and not held.padded)
        return None if whole else self.far(held, query, self.sinks, past - self.local)

    def added(self, held: Held) -> None:
        start, end = self.sinks, len(held) - self.local
        if end - start <= self.states:
            return
        k, v = (x.span(start, end).float() for x in (held.k, held.v))
        places = held.places()[..., start:end].expand(*k.shape[:2], -1)
        counts = (places != PADDING).float()
        old = 0 if self.counts is None else self.states
        if self.counts is not None:
            counts[..., :old] = self.counts
        merged = self.merge(States(k, v, places, counts), old)
        held.put(start, end, merged.k, merged.v, merged.places)
        self.counts = merged.counts
