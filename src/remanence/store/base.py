"""The contract of a store: what a method may look up, and the one way anything is changed.

A method looks and proposes; only `apply` changes. Rows are whole numbers that grow as records come in; they are good
for one store and for as long as it is open, and arrays of them are how candidates travel cheaply.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remanence.embed.base import Base as Embedder
from remanence.records import Event, Filter, Op, Record, Scope

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows and their scores, best first."""

    rows: Rows
    scores: Scores


@dataclass(frozen=True, slots=True)
class Columns:
    """What is known of some rows without reading their text, one entry a row.

    `place` is session number * 2**32 + position in the session, so place ± 1 is the neighbour. `at` is valid_from in
    microseconds since 1970 UTC. `speaker` and `kind` are numbers that `Store.number` gives for a name. `length` is in
    characters.
    """

    rows: Rows
    place: NDArray[np.int64]
    at: NDArray[np.int64]
    speaker: NDArray[np.int32]
    kind: NDArray[np.int32]
    length: NDArray[np.int32]


class Base(ABC):
    """One memory on disk. Every reading call sees all that was acknowledged before it."""

    embedder: Embedder
    read_only: bool
    method: str  # the name of the method whose records it holds, "" when it holds none yet

    @property
    @abstractmethod
    def epoch(self) -> str:
        """Another one when rows mean something else than before: after an erasure, a rebuild, another embedder."""

    # -- looking things up ---------------------------------------------------------------------------------------

    @abstractmethod
    def find_words(self, words: Sequence[str], allowed: Filter, n: int) -> Ranked:
        """The n records that BM25 ranks highest for any of the words; scores are positive."""

    @abstractmethod
    def find_all_words(self, words: Sequence[str], allowed: Filter, n: int) -> Rows:
        """The n records that came in last of those with all of the words, last first."""

    @abstractmethod
    def find_vectors(self, vector: NDArray[np.float32], allowed: Filter, n: int) -> Ranked:
        """The n records whose vectors have the largest cosine with this one."""

    @abstractmethod
    def newest(self, allowed: Filter, n: int) -> Ranked:
        """The n records that began to hold last; scores are seconds since 1970 UTC."""

    @abstractmethod
    def allowed(self, rows: Rows, allowed: Filter) -> NDArray[np.bool_]:
        """Which of these rows the filter lets through."""

    @abstractmethod
    def columns(self, rows: Rows) -> Columns:
        """What is known of these rows without reading them. They must exist."""

    @abstractmethod
    def neighbours(self, rows: Rows, steps: Sequence[int]) -> NDArray[np.int64]:
        """[n, steps]: the turn so many steps after each of these in its session (before, if negative); 0 if none."""

    @abstractmethod
    def similarity(self, vector: NDArray[np.float32], rows: Rows) -> Scores:
        """The cosine of a unit vector with each of these rows, within half a percent. They must exist."""

    @abstractmethod
    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        """[n, dim], the vectors of these rows, exactly as kept."""

    @abstractmethod
    def texts(self, rows: Iterable[int]) -> dict[int, str]:
        """Only the texts of these rows: much cheaper than whole records."""

    @abstractmethod
    def number(self, what: str, name: str) -> int:
        """The number that stands for a speaker or kind in Columns; -1 when there is none of that name."""

    @abstractmethod
    def names(self, what: str) -> list[str]:
        """Every speaker, kind or session there is."""

    @abstractmethod
    def read(self, rows: Iterable[int]) -> dict[int, Record]:
        """The records of these rows, by row, in the order given. One that was erased meanwhile is left out."""

    @abstractmethod
    def rows_of(self, ids: Sequence[str]) -> Rows:
        """The rows of these record ids; NotFound when one is unknown. An id may be cut short while it is unique."""

    @abstractmethod
    def records(self, allowed: Filter, *, made_since: int = 0) -> Iterator[Record]:
        """Every record the filter lets through, oldest row first, starting after row `made_since`."""

    @abstractmethod
    def metas(self, kind: str, *, made_since: int = 0) -> list[tuple[int, Scope, Mapping[str, object]]]:
        """Row, scope and meta of every record of a kind, oldest row first, starting after row `made_since`.

        What ended or was forgotten is there too. Much cheaper than whole records.
        """

    @abstractmethod
    def linked(self, rows: Rows, relation: str = "") -> list[tuple[int, int, str, float]]:
        """Links out of these rows: (from row, to row, relation, weight)."""

    @abstractmethod
    def event(self, id: str) -> Event:
        """The event with this id (which may be cut short while it is unique); NotFound when there is none."""

    @abstractmethod
    def events(self, allowed: Filter, *, pending: bool = False) -> Iterator[Event]:
        """Events in the order they happened; with `pending` only those nothing could be derived from yet."""

    @abstractmethod
    def ops(self, record: str = "", *, since: int = 0) -> list[Op]:
        """The log, oldest first: of one record, or all after operation number `since`."""

    @abstractmethod
    def log(self) -> Iterator[Op]:
        """Every operation, each add with the record as it came in: applied to an empty store it gives this one."""

    @abstractmethod
    def known(self, events: Sequence[Event]) -> set[str]:
        """The ids of those of these events that are kept already."""

    # -- changing things -----------------------------------------------------------------------------------------

    @abstractmethod
    def apply(
        self, ops: Sequence[Op], *, events: Sequence[Event] = (), pending: bool = False, by: str = ""
    ) -> list[Op]:
        """Keep these events and make these changes, all or nothing, durable when it returns; gives the ops as logged.

        `pending` marks the events as not derived from yet; a later apply of the same events without it clears that.
        """

    @abstractmethod
    def undo(self, op: int, *, by: str = "") -> Op:
        """Take one operation back. What cannot be taken back (an erasure) is an error."""

    @abstractmethod
    def erase(self, allowed: Filter, *, progress: Callable[[str], None] | None = None) -> int:
        """Remove events that the filter lets through and everything derived from them, from every page of the file."""

    @abstractmethod
    def settle(self, method: str) -> str:
        """Note the method of a store that has none yet; the name of the one it has now, another process's perhaps."""

    @abstractmethod
    def clear_records(self, *, method: str) -> None:
        """Forget everything derived, keep the events; what comes next is derived by `method`.

        What a person decided about records (operations by USER) is kept for `decide_again`.
        """

    @abstractmethod
    def decide_again(self) -> None:
        """Carry out what a person had decided about records that were cleared and are there again."""

    @abstractmethod
    def reembed(self, embedder: Embedder, *, progress: Callable[[int, int], None] | None = None) -> None:
        """Give every record a vector of another space."""

    @abstractmethod
    def status(self) -> dict[str, int | str]:
        """Counts, bytes and identities, for people to look at."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file. Closing twice is allowed."""
