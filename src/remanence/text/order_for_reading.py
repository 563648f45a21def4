"""Memories shown to a model with the best at both ends of the prompt and the doubtful in the middle.

Source:  "Long-Context LLMs Meet RAG: Overcoming Challenges for Long Inputs in RAG", Jin, Yoon, Han, Arik 2024
         (arXiv 2410.05983), retrieval reordering.
Idea:    models read the beginning and the end of a long input best, and the more is retrieved the more hard negatives
         come along: so these go where they hurt least.
Cost:    that of the method it wraps; ordering is free.
Differs: nothing of the ordering; the paper's two trainings (implicit, and with intermediate reasoning) change a model.

    shown: 1, 3, 5, ..., 6, 4, 2    for hits ranked 1, 2, 3, ...
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from remanence.lm.base import Base as LM
from remanence.records import Event, Hit, Op, Query
from remanence.registry import build
from remanence.store.base import Base as Store
from remanence.text.base import Base


@dataclass
class OrderForReading(Base):
    """Wraps a method that derives turns, by name."""

    derives: ClassVar[str] = "turns"

    lm: LM
    method: str = "hybrid"

    def __post_init__(self) -> None:
        self.inner: Base = build("text", self.method, {"lm": self.lm})

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return self.inner.write(events, store)

    def read(self, query: Query, store: Store) -> list[Hit]:
        return self.inner.read(query, store)

    def arrange(self, hits: Sequence[Hit]) -> list[Hit]:
        return [*hits[::2], *hits[1::2][::-1]]
