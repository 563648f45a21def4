"""Which part of a memory a connection reaches. What a tool is given narrows it and never widens it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from remanence.errors import BadInput, NotFound, ReadOnly
from remanence.memory import Memory
from remanence.records import Event, Record


@dataclass(frozen=True)
class Reach:
    """`scope` is what is settled of user, agent, run and app, by a setting or by a key.

    `changing` is held while a tool looks at something and takes it away.
    """

    memory: Memory
    scope: Mapping[str, str] = field(default_factory=dict)
    writes: bool = True
    changing: AbstractContextManager[Any] = field(default_factory=nullcontext)

    def within(self, **said: Any) -> dict[str, Any]:
        """What is said, as far as it is, within what is settled: for a filter, or for something new."""
        for name, settled in self.scope.items():
            if said.get(name, "") not in ("", settled):
                raise BadInput(f"this connection is for {name} {settled!r}, not for {said[name]!r}")
        return {name: value for name, value in said.items() if value} | dict(self.scope)

    def sees(self, item: Record | Event) -> bool:
        return all(getattr(item.scope, name) == settled for name, settled in self.scope.items())

    def item(self, id: str) -> Record | Event:
        """The record or event with this id; one out of reach is not there."""
        try:
            found = self.memory.get(id)
        except NotFound:
            if not self.scope:
                raise
        else:
            if self.sees(found):
                return found
        raise NotFound(f"no record or event {id!r}")  # in the same words: nothing is told of what is out of reach

    def record(self, id: str) -> Record:
        """The record with this id; for an event's id the one record made of it."""
        found = self.item(id)
        if isinstance(found, Record):
            return found
        made = list(self.memory.records(events=found.id))
        if len(made) != 1:
            raise BadInput(f"{id!r} is an event from which {len(made)} memories were made; name one of them")
        return made[0]

    def writable(self) -> Memory:
        if not self.writes:
            raise ReadOnly("this connection may read, not change")
        return self.memory
