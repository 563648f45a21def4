"""What `remanence.open` returns: the verbs of a text memory, wherever it is kept.

memory = remanence.open("me.db")
memory.add("I moved to Lisbon in March.", at="2024-04-02", user="ana")
memory.search("Where does Ana live?")
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from remanence.given import Added, Progress, Reply
from remanence.plain import event_of
from remanence.records import Event, Hit, Op, Record
from remanence.text.parts.render import Context


class Memory(ABC):
    """Everything that can be done with a memory. Safe to use from several threads.

    `which` are the fields of `Filter`: user, agent, run, app, kinds, speakers, sessions, channels, between, as_of, ...
    """

    name: str  # of its method

    # -- writing -------------------------------------------------------------------------------------------------

    def add(self, text: str, *, at: datetime | str | None = None, **about: Any) -> Event:
        """Keep one thing that happened and derive memories from it. `about`: user, agent, run, app, speaker, session, …

        The event is durable when this returns, and also when it raises an LMError: then nothing was derived yet.
        """
        self.add_many([event := event_of(text, at=at, **about)])
        return event

    @abstractmethod
    def add_many(self, events: Iterable[Event], *, derive: bool = True, progress: Progress | None = None) -> Added:
        """Keep events in batches, each durable at once. An event that is known already adds nothing.

        Without `derive` they are only kept: `derive()` makes memories of them later, and a server does so by itself.
        """

    @abstractmethod
    def edit(self, record: str, text: str, *, at: datetime | str | None = None) -> Record:
        """Say it otherwise: `text` holds from `at` (now) on, and what the record said until then is kept as the past.

        The correction is an event of its own, from which the method derives; the record it gives takes the old one's
        place. When a language model fails on it, nothing is changed.
        """

    @abstractmethod
    def pin(self, record: str) -> Op:
        """Never let it fade: `forget()` passes it by. `undo` lets go of it."""

    @abstractmethod
    def derive(self, *, progress: Progress | None = None) -> int:
        """Derive memories from the events that none could be derived from before; how many there were."""

    @abstractmethod
    def consolidate(self, *, now: datetime | str | None = None, dry_run: bool = False) -> list[Op]:
        """Look at everything again: summaries, merges, links. With `dry_run` only say what would change."""

    @abstractmethod
    def forget(self, record: str = "", *, now: datetime | str | None = None, dry_run: bool = False) -> list[Op]:
        """Let fade what has faded by now, or the one record named. It is kept, and can be brought back with `undo`."""

    @abstractmethod
    def undo(self, op: int) -> Op:
        """Take one operation back; `history` gives their numbers."""

    @abstractmethod
    def rebuild(self, method: str | None = None, *, progress: Progress | None = None, **settings: Any) -> int:
        """Derive everything anew from the events, by another method if one is named; how many events there were."""

    @abstractmethod
    def erase(
        self,
        *,
        everything: bool = False,
        dry_run: bool = False,
        progress: Callable[[str], None] | None = None,
        **which: Any,
    ) -> int:
        """Remove events and all that was derived from them for good, from every page; how many events that is."""

    # -- reading -------------------------------------------------------------------------------------------------

    @abstractmethod
    def search(self, question: str, k: int = 10, *, now: datetime | str | None = None, **which: Any) -> list[Hit]:
        """The k memories that answer best, best first, each with the reasons for its score and its sources."""

    @abstractmethod
    def context(self, question: str, tokens: int = 800, *, now: datetime | str | None = None, **which: Any) -> Context:
        """The memories that answer best as text for a prompt: dated, cited, at most about this many tokens."""

    @abstractmethod
    def ask(self, question: str, k: int = 20, *, now: datetime | str | None = None, **which: Any) -> Reply:
        """The answer the language model reads out of what is recalled, with the memories it cites."""

    @abstractmethod
    def get(self, id: str) -> Record | Event:
        """The record or event with this id, which may be cut short while it is unique."""

    @abstractmethod
    def events(self, **which: Any) -> Iterator[Event]:
        """What happened, in order."""

    @abstractmethod
    def records(self, **which: Any) -> Iterator[Record]:
        """What is held now, in the order it was derived."""

    @abstractmethod
    def history(self, record: str = "") -> list[Op]:
        """What changed, oldest first: one record, or everything."""

    @abstractmethod
    def as_of(self, when: datetime | str) -> "Memory":
        """This memory as it stood then, for reading: nothing later is there, what was replaced later still holds."""

    @abstractmethod
    def status(self) -> dict[str, int | str]:
        """Counts, bytes and identities."""

    # -- moving --------------------------------------------------------------------------------------------------

    @abstractmethod
    def export(self, path: str | Path, *, format: str = "jsonl", **which: Any) -> int:
        """Write everything to a file or folder; how many items. Importing it gives the same memory.

        Of a part (`which`) only the events are written, and importing derives from them anew.
        """

    @abstractmethod
    def import_(
        self, path: str | Path, *, format: str | None = None, progress: Progress | None = None, **about: Any
    ) -> Added:
        """Keep what a file of another program holds. `about` sets user, agent, run, app where the file says nothing."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it. A view made by `as_of` closes nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
