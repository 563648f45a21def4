"""What the verbs of a memory give back, beside records and operations."""

from collections.abc import Callable
from dataclasses import dataclass

from remanence.records import Hit

Progress = Callable[[int, int | None], None]  # done, of how many if known


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, the memories it cites, and who gave it."""

    text: str
    hits: tuple[Hit, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Added:
    """What an import did: events that were new, events that were there, and what could not be read."""

    new: int
    known: int
    problems: tuple[object, ...] = ()
