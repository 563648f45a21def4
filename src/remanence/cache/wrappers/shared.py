"""Two policies over one memory: what either chooses is read. For more of them, nest it.

Idea:    policies find different things, blocks that may hold a needle, events that surprised; together they miss less.
Cost:    what both search and what both read, at most; keys and values are held once.
Differs: the first says how they are stored and attended to, the other only chooses. Neither may let go of tokens.
"""

from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor

from remanence.cache.base import Base, Far
from remanence.cache.parts.asked import asked
from remanence.cache.parts.held import Held
from remanence.cache.parts.tokens import Tokens
from remanence.cache.parts.wrapper import Wrapper
from remanence.errors import BadConfig


@dataclass
class Shared(Wrapper):
    other: Base

    def __post_init__(self) -> None:
        super().__post_init__()
        for policy in (self.policy, self.other):
            if policy.forgets:
                raise BadConfig(f"{type(policy).__name__} lets go of tokens that the other policy may look for")
        for f in fields(Base):
            if (mine := getattr(self.policy, f.name)) != (its := getattr(self.other, f.name)):
                raise BadConfig(f"policies that share a memory must agree on {f.name}, got {mine} and {its}")

    @property
    def hears(self) -> bool:
        return self.policy.hears or self.other.hears

    @property
    def budget(self) -> int:
        return self.policy.budget + self.other.budget

    def covers(self, tokens: int) -> bool:
        return self.policy.covers(tokens) or self.other.covers(tokens)

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        return _union([policy.far(held, query, start, end) for policy in (self.policy, self.other)], held, query)

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        one, other = (policy.choose(held, query, past) for policy in (self.policy, self.other))
        return None if one is None or other is None else _union([one, other], held, query)

    def added(self, held: Held) -> None:
        self.policy.added(held)
        self.other.added(held)

    def on(self, layer: int, layers: int) -> Base:
        return replace(self, policy=self.policy.on(layer, layers), other=self.other.on(layer, layers))

    def fresh(self) -> Self:
        return replace(self, policy=self.policy.fresh(), other=self.other.fresh())

    def noted(self) -> dict[str, Tensor | Tokens]:
        return super().noted() | {f"other.{name}": value for name, value in self.other.noted().items()}

    def crop(self, held: Held) -> None:
        super().crop(held)
        self.other.crop(held)

    def rows(self, ids: Tensor) -> None:
        super().rows(ids)
        self.other.rows(ids)


def _union(fars: list[Far], held: Held, query: Tensor) -> Far:
    """What any of them reads. From the first `until` on, one of them reads everything, so all do."""
    b, n, until = len(query), held.k.data.shape[1], min(far.until for far in fars)
    shared = all(far.only is None for far in fars)
    heads, t = (n, 1) if shared else query.shape[1:3]
    wanted = torch.zeros(b, heads, t, until + 1, dtype=torch.bool, device=query.device)  # the last is for all others
    for far in fars:
        ids = torch.where((far.ids < 0) | (far.ids > until), until, far.ids)[:, :, None].expand(-1, n, t, -1)
        reads = torch.ones_like(ids, dtype=torch.bool) if far.only is None else far.only
        ids, reads = (x.repeat_interleave(heads // x.shape[1], 1).expand(b, -1, -1, -1) for x in (ids, reads))
        wanted |= torch.zeros_like(wanted).scatter_(3, ids, reads)
    tokens = torch.arange(until, device=query.device).expand(1, n, -1)
    union = asked(wanted[..., :until], tokens, until)
    return replace(union, only=None) if shared else union
