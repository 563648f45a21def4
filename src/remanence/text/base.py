"""The contract of a text memory: look at the store, propose changes; recall records for a query.

A method never changes the store and never holds a client. It is a dataclass whose fields are its settings, all with
defaults; a field named `lm` is handed in.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from remanence.records import Event, Hit, Op, Query
from remanence.registry import load, names
from remanence.store.base import Base as Store


@dataclass
class Base(ABC):
    """Two to five of these verbs make a method.

    `derives` names what is written: methods that derive the same thing read each other's stores without a rebuild. One
    that derives "turns" recalls turns alone: a store may hold what another method keeps beside them.
    `asks` says whether a language model is asked when writing.
    """

    version: ClassVar[int] = 1
    derives: ClassVar[str] = ""  # "" means: what only this method derives
    asks: ClassVar[bool] = False

    @abstractmethod
    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        """What these new events change. They are not in the store yet; they come in order of `at`."""

    @abstractmethod
    def read(self, query: Query, store: Store) -> list[Hit]:
        """At most query.k hits, best first, all of them allowed by query.filter."""

    def consolidate(self, store: Store, now: datetime) -> list[Op]:
        """What looking at everything again changes: summaries, merges, links. Doing it twice adds nothing."""
        return []

    def forget(self, store: Store, now: datetime) -> list[Op]:
        """What has faded by now."""
        return []

    def arrange(self, hits: Sequence[Hit]) -> list[Hit]:
        """The order in which a prompt shows these hits, given best first: as things happened, unless overridden."""
        return sorted(hits, key=lambda hit: (hit.at, hit.record.session))

    def recalled(self, hits: Sequence[Hit], now: datetime) -> list[Op]:
        """What being recalled does to the records that were."""
        return []


def derives(method: str) -> str:
    """What a method of this name writes: the same word for methods that read each other's stores."""
    return str(load("text", method).derives or method) if method in names("text") else method
