"""A policy around another: everything is asked of the inner one, save what a wrapper says itself."""

from dataclasses import dataclass, fields, replace
from typing import Self

from torch import Tensor

from remanence.cache.base import Base, Far, KeysOrValues
from remanence.cache.parts.attend import Read
from remanence.cache.parts.held import Held
from remanence.cache.parts.tokens import Tokens
from remanence.errors import BadConfig


@dataclass
class Wrapper(Base):
    policy: Base

    def __post_init__(self) -> None:
        for f in fields(Base):
            if getattr(self, f.name) not in (f.default, getattr(self.policy, f.name)):
                raise BadConfig(f"set {f.name} on the policy that {type(self).__name__} is put around, not on it")
            setattr(self, f.name, getattr(self.policy, f.name))

    @property
    def hears(self) -> bool:
        return self.policy.hears

    @property
    def forgets(self) -> bool:
        return self.policy.forgets

    @property
    def holds_rotated(self) -> bool:
        return self.policy.holds_rotated

    @property
    def budget(self) -> int:
        return self.policy.budget

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        return self.policy.far(held, query, start, end)

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        return self.policy.choose(held, query, past)

    def covers(self, tokens: int) -> bool:
        return self.policy.covers(tokens)

    def added(self, held: Held) -> None:
        self.policy.added(held)

    def rotated_keys(self, held: Held, queries: int) -> Tensor:
        return self.policy.rotated_keys(held, queries)

    def attend(self, read: Read, held: Held) -> Tensor:
        return self.policy.attend(read, held)

    def store(self, like: Tensor, what: KeysOrValues) -> Tokens:
        return self.policy.store(like, what)

    def on(self, layer: int, layers: int) -> Base:
        return replace(self, policy=self.policy.on(layer, layers))

    def fresh(self) -> Self:
        return replace(self, policy=self.policy.fresh())

    def noted(self) -> dict[str, Tensor | Tokens]:
        return super().noted() | self.policy.noted()

    def crop(self, held: Held) -> None:
        super().crop(held)
        self.policy.crop(held)

    def pad(self, n: int) -> None:
        super().pad(n)
        for f in fields(self):  # of what it is around, be it one policy or several
            if isinstance(policy := getattr(self, f.name), Base):
                policy.pad(n)

    def rows(self, ids: Tensor) -> None:
        self.policy.rows(ids)
