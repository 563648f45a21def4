"""The far past in events that end where the text surprises, read with those that came before and after.

Source:  "Human-like Episodic Memory for Infinite Context LLMs", Fountas et al. 2024 (arXiv 2407.09450).
Idea:    an event ends where a token surprises, or before it where a cut parts the keys around it best
         (parts/events.py). Of the tokens read, 7 of 10 are of the events likest to the query, 3 of 10 of those beside
         them in time, as a memory brings up its neighbours.
Cost:    reads sinks + local + `tokens`, whatever the length; two keys an event to find it by.
Differs: events are found by Quest's bound on their keys, not by the four tokens most attended to, and each key-value
         head finds its own; every layer refines by its own keys, the paper by those of the upper layers together. The
         neighbours of earlier queries' events are not carried along. Surprise is known one forward call late: where it
         is not known yet (a prompt read in one call), events end at their greatest length.

Shapes: B batch, H key-value heads, Q query heads, T queries, E events, D width.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from remanence.cache.base import Base, Far
from remanence.cache.parts.blocks import bound
from remanence.cache.parts.events import Events
from remanence.cache.parts.held import PADDING, Held
from remanence.cache.parts.segments import fitting, neighbours, tokens_in
from remanence.cache.parts.tokens import Tokens
from remanence.errors import BadConfig


@dataclass
class EMLLM(Base):
    tokens: int = 1024  # of the far past, read at most
    contiguity: float = 0.3  # of them for neighbours of the events found (the paper's)
    reach: int = 1  # events to either side that are neighbours (the paper's)
    gamma: float = 1.0  # standard deviations (the paper's)
    least: int = 8  # tokens of an event (the paper's)
    most: int = 128  # tokens of an event (the paper's)
    refine: Literal["modularity", "conductance", "none"] = "modularity"
    spans: Tensor | None = field(default=None, init=False, repr=False, compare=False)  # [B, E, 2] start, end; or empty
    bounds: Tokens | None = field(default=None, init=False, repr=False, compare=False)  # [B, H, E, 2 D]
    open: Tensor | None = field(default=None, init=False, repr=False, compare=False)  # [B, 2] start of the event that
    # goes on, and the token from which on none was asked yet whether it surprises

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.refine not in ("modularity", "conductance", "none"):
            raise BadConfig(f"refine must be modularity, conductance or none, got {self.refine!r}")
        if not 0 <= self.contiguity < 1:
            raise BadConfig(f"contiguity must be in [0, 1), got {self.contiguity}")
        if not 1 <= self.least <= self.most or self.reach < 0:
            raise BadConfig(
                f"1 <= least <= most and reach >= 0 must hold, got {self.least}, {self.most} and {self.reach}"
            )
        if self._similar < 2 * self.most:  # one event that goes on and one that is found
            raise BadConfig(f"tokens * (1 - contiguity) must be at least 2 * most = {2 * self.most}")

    @property
    def hears(self) -> bool:
        return True

    @property
    def budget(self) -> int:
        return self.tokens

    @property
    def _similar(self) -> int:
        return self.tokens - int(self.tokens * self.contiguity)

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        self._segment(held, start, end)
        assert self.spans is not None and self.bounds is not None and self.open is not None
        # Rows differ in how many events they have; the empty ones that fill them up go last, so that neighbours touch.
        size = self.spans[..., 1] - self.spans[..., 0]
        order = (size == 0).sort(stable=True, dim=1).indices
        size, first = size.gather(1, order), self.spans[..., 0].gather(1, order)
        likeness = bound(query, self.bounds.span(0, len(self.bounds)))
        likeness = likeness.gather(2, order[:, None].expand_as(likeness)).masked_fill(size[:, None] == 0, -torch.inf)
        going_on = (end - self.open[:, 0]).clamp(min=0)
        chosen = self._choose(likeness, size, going_on)
        first, size = torch.cat([first, self.open[:, :1]], 1), torch.cat([size, going_on[:, None]], 1)
        chosen = torch.cat([chosen, chosen.new_ones(*chosen.shape[:2], 1)], 2)
        return Far(tokens_in(first[:, None].expand_as(chosen), size[:, None] * chosen), end)

    def _choose(self, likeness: Tensor, size: Tensor, going_on: Tensor) -> Tensor:
        """[B, H, E]: the events read, beside the one that goes on: the likest, and their neighbours."""
        order = likeness.argsort(2, descending=True)
        similar = fitting(order, size[:, None], self._similar - going_on)
        beside, turn = neighbours(similar, order.argsort(2), self.reach)
        room = torch.full_like(going_on, self.tokens - self._similar)
        return similar | fitting(turn, size[:, None] * beside, room)

    def _segment(self, held: Held, start: int, end: int) -> None:
        """Note the events that ended before token `end`."""
        b, h, _, d = held.k.data.shape
        if self.open is None or self.spans is None or self.bounds is None:
            padding = (held.places() == PADDING).sum(2).expand(b, -1)
            self.open = padding.clamp(min=start).expand(-1, 2)
            self.spans, self.bounds = (
                padding.new_empty(b, 0, 2),
                Tokens.like(held.k.span(0, 0).new_empty(b, h, 0, 2 * d)),
            )
        events = Events(self.local, self.gamma, self.least, self.most, self.refine)
        ended, self.open = events.ended(held, self.open.expand(b, -1), end)
        n = max(len(row) for row in ended)
        spans = torch.tensor([row + [[end, end]] * (n - len(row)) for row in ended], dtype=torch.long)
        self.spans = torch.cat([self.spans.expand(b, -1, -1), spans.view(b, n, 2).to(self.spans.device)], 1)
        extremes = held.k.span(0, 0).new_zeros(b, h, n, 2 * d)
        for row, of_row in enumerate(ended):
            for i, (first, after) in enumerate(of_row):
                keys = held.k.span(first, after)[row]
                extremes[row, :, i] = torch.cat([keys.amax(1), keys.amin(1)], -1)
        self.bounds.append(extremes)

    def crop(self, held: Held) -> None:
        """Events that end before what was taken back stay as they were."""
        if self.open is None or int(self.open.max()) > len(held):
            super().crop(held)
