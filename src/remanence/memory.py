"""What `remanence.open` returns: the verbs of a text memory, over one store and one method.

memory = remanence.open("me.db")
memory.add("I moved to Lisbon in March.", at="2024-04-02", user="ana")
memory.search("Where does Ana live?")
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self

from remanence.errors import BadInput, LMError, NotFound, OtherMethod, ReadOnly, Unavailable
from remanence.given import Added, Progress, Reply
from remanence.lm.base import Base as LM
from remanence.plain import event_of, filter_of, scope_of
from remanence.records import Event, Filter, Hit, Op, Query, Record, Scope, utc
from remanence.registry import build
from remanence.store.base import Base as Store
from remanence.text.base import Base as Method
from remanence.text.base import derives
from remanence.text.parts.render import Context, Recalled, context, line

BATCH = 1000  # events kept in one transaction by add_many


class Memory:
    """Everything that can be done with a memory. Safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        method: Method,
        name: str,
        lm: LM,
        folder: "tempfile.TemporaryDirectory[str] | None" = None,
        seen_at: datetime | None = None,
    ):
        self.store, self.method, self.name, self.lm = store, method, name, lm
        self._folder, self._seen_at, self._held, self._recalled = folder, seen_at, store.method, Recalled()

    # -- writing -------------------------------------------------------------------------------------------------

    def add(self, text: str, *, at: datetime | str | None = None, **about: Any) -> Event:
        """Keep one thing that happened and derive memories from it. `about`: user, agent, run, app, speaker, session, …

        The event is durable when this returns, and also when it raises an LMError: then nothing was derived yet.
        """
        self.add_many([event := event_of(text, at=at, **about)])
        return event

    def add_many(self, events: Iterable[Event], *, progress: Progress | None = None) -> Added:
        """Keep events in batches, each durable at once. An event that is known already adds nothing."""
        new = known = 0
        failure: LMError | None = None
        coming = iter(events)
        while batch := list(islice(coming, BATCH)):
            fresh = self._unknown(batch)
            said = [event for event in fresh if not self._recalled.echoes(event)]
            failure = self._keep(fresh, said, failure)
            new, known = new + len(fresh), known + len(batch) - len(fresh)
            if progress:
                progress(new + known, None)
        if failure is not None:
            raise failure
        return Added(new, known)

    def derive(self, *, progress: Progress | None = None) -> int:
        """Derive memories from the events that none could be derived from before; how many there were."""
        waiting = list(self._writable().events(Filter(), pending=True))
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            failure = self._keep(batch, batch, None)
            if failure is not None:
                raise failure
            if progress:
                progress(start + len(batch), len(waiting))
        return len(waiting)

    def consolidate(self, *, now: datetime | str | None = None, dry_run: bool = False) -> list[Op]:
        """Look at everything again: summaries, merges, links. With `dry_run` only say what would change."""
        store = self._writable()
        if not dry_run:
            self.derive()
        ops = self.method.consolidate(store, self._now(now))
        return ops if dry_run else store.apply(ops, by=self._made_by())

    def forget(self, record: str = "", *, now: datetime | str | None = None, dry_run: bool = False) -> list[Op]:
        """Let fade what has faded by now, or the one record named. It is kept, and can be brought back with `undo`."""
        store = self._writable()
        if record:
            (row,) = store.rows_of([record]).tolist()
            ops = [Op("expire", store.read([row])[row].id, why="asked for")]
        else:
            ops = self.method.forget(store, self._now(now))
        return ops if dry_run else store.apply(ops, by=self._made_by())

    def undo(self, op: int) -> Op:
        """Take one operation back; `history` gives their numbers."""
        return self._writable().undo(op, by="user")

    def rebuild(self, method: str | None = None, *, progress: Progress | None = None, **settings: Any) -> int:
        """Derive everything anew from the events, by another method if one is named; how many events there were."""
        store = self._writable()
        name = method or self.name
        if settings or name != self.name:
            self.method = build("text", name, {"lm": self.lm}, **settings)
        store.clear_records(method=name)
        self.name = self._held = name
        return self.derive(progress=progress)

    def erase(
        self,
        *,
        everything: bool = False,
        dry_run: bool = False,
        progress: Callable[[str], None] | None = None,
        **which: Any,
    ) -> int:
        """Remove events and all that was derived from them for good, from every page; how many events that is."""
        allowed = filter_of(**which)
        if (allowed == Filter()) != everything:  # an empty name would mean everybody
            raise BadInput("say what to erase (user=..., sessions=..., between=...), or everything=True alone")
        if allowed.kinds:
            raise BadInput("events are erased, and they have no kind; forget(record) hides one record")
        if dry_run:
            return sum(1 for _ in self.store.events(allowed))
        self._recalled.forget()
        erased = self._writable().erase(allowed, progress=progress)
        with suppress(LMError):  # what cannot be derived anew just now waits, as `status` says
            self.derive()
        return erased

    # -- reading -------------------------------------------------------------------------------------------------

    def search(self, question: str, k: int = 10, *, now: datetime | str | None = None, **which: Any) -> list[Hit]:
        """The k memories that answer best, best first, each with the reasons for its score and its sources."""
        hits = self._read(question, k, now, which)
        self._recalled.add(hit.text for hit in hits)
        return hits

    def context(self, question: str, tokens: int = 800, *, now: datetime | str | None = None, **which: Any) -> Context:
        """The memories that answer best as text for a prompt: dated, cited, at most about this many tokens."""
        if tokens < 1:
            raise BadInput(f"tokens must be at least 1, got {tokens}")
        made = context(self.search(question, max(5, tokens // 15), now=now, **which), tokens, self.method.arrange)
        self._recalled.add(line(hit.record) for hit in made.hits)
        return made

    def ask(self, question: str, k: int = 20, *, now: datetime | str | None = None, **which: Any) -> Reply:
        """The answer the language model reads out of what is recalled, with the memories it cites."""
        hits = self.search(question, k, now=now, **which)
        answer = self.lm.answer(question, [line(hit.record) for hit in hits])
        return Reply(answer.text, tuple(hits[i] for i in answer.cites), self.lm.name)

    def get(self, id: str) -> Record | Event:
        """The record or event with this id, which may be cut short while it is unique."""
        try:
            (row,) = self.store.rows_of([id]).tolist()
        except NotFound as no_record:
            try:
                return self.store.event(id)
            except NotFound:
                raise NotFound(str(no_record).replace("record", "record or event", 1)) from None
        return self.store.read([row])[row]

    def events(self, **which: Any) -> Iterator[Event]:
        """What happened, in order."""
        return self.store.events(filter_of(**self._as_seen(which)))

    def records(self, **which: Any) -> Iterator[Record]:
        """What is held now, in the order it was derived."""
        return self.store.records(filter_of(**self._as_seen(which)))

    def history(self, record: str = "") -> list[Op]:
        """What changed, oldest first: one record, or everything."""
        return self.store.ops(record)

    def as_of(self, when: datetime | str) -> "Memory":
        """This memory as it stood then, for reading: nothing later is there, what was replaced later still holds."""
        return Memory(self.store, self.method, self.name, self.lm, seen_at=utc(when))

    def status(self) -> dict[str, int | str]:
        """Counts, bytes and identities."""
        return self.store.status()

    # -- moving --------------------------------------------------------------------------------------------------

    def export(self, path: str | Path, *, format: str = "jsonl") -> int:
        """Write everything to a file or folder; how many items. Importing it gives the same memory."""
        return int(build("formats", format).write(Path(path), chain(self.events(), self.store.log())))

    def import_(
        self, path: str | Path, *, format: str | None = None, progress: Progress | None = None, **about: Any
    ) -> Added:
        """Keep what a file of another program holds. `about` sets user, agent, run, app where the file says nothing."""
        from remanence.formats.parts.detect import detect

        source = Path(path)
        reader = build("formats", format or detect(source))
        problems: list[object] = []
        scope = scope_of(**about)
        if reader.complete(source):
            added = self._replay(reader.read_all(source, problems.append, progress))
        else:
            events = reader.read(source, problems.append, progress)
            added = self.add_many(e if e.scope != Scope() else replace(e, scope=scope) for e in events)
        return replace(added, problems=tuple(problems))

    def close(self) -> None:
        """Let go of the file. A view made by `as_of` closes nothing."""
        if self._seen_at is None:
            self.store.close()
            if self._folder:
                self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _keep(self, events: Sequence[Event], said: list[Event], failure: LMError | None) -> LMError | None:
        """Keep these events and derive from those that say something; when the model fails, keep them and say so."""
        store = self._writable()
        if store.method != self._held:
            raise OtherMethod(f"these memories were rebuilt by {store.method!r} in another process; open them again")
        if not isinstance(failure, Unavailable):
            try:
                ops = self.method.write(sorted(said, key=lambda event: event.at), store)
                store.apply(ops, events=events, by=self._made_by())
                return failure
            except LMError as error:
                error.add_note("The events are kept; `consolidate` derives from them later.")
                failure = error if isinstance(error, Unavailable) else failure or error
        store.apply([], events=events, pending=True, by=self._made_by())
        return failure

    def _replay(self, items: Iterable[Event | Record | Op]) -> Added:
        """Take in another store's events and log. Its records are used as they are if our method derives the same."""
        store, events, ops = self._writable(), list[Event](), list[Op]()
        for item in items:
            if isinstance(item, Event):
                events.append(item)
            elif isinstance(item, Op):
                ops.append(item)
        makers = {op.made_by.split("/")[0] for op in ops if op.kind == "add"}
        if not ops or any(derives(name) != derives(self.name) for name in makers):
            return self.add_many(events)
        fresh = self._unknown(events)
        store.apply([], events=fresh, pending=True)  # were we stopped now, they would be derived from later
        store.apply(ops, events=fresh, by="import")
        return Added(len(fresh), len(events) - len(fresh))

    def _read(self, question: str, k: int, now: datetime | str | None, which: dict[str, Any]) -> list[Hit]:
        query = Query(question, k, filter_of(**self._as_seen(which)), self._now(now))
        hits = self.method.read(query, self.store)
        ops = [] if self._seen_at else self.method.recalled(hits, query.now)
        if ops and not self.store.read_only:
            self.store.apply(ops, by=self._made_by())
        return hits

    def _unknown(self, batch: Sequence[Event]) -> list[Event]:
        known = self._writable().known(batch)
        return list({event.id: event for event in batch if event.id not in known}.values())

    def _as_seen(self, which: dict[str, Any]) -> dict[str, Any]:
        return which if self._seen_at is None else {"as_of": self._seen_at} | which

    def _now(self, now: datetime | str | None) -> datetime:
        return utc(now) if now is not None else self._seen_at or datetime.now(UTC)

    def _writable(self) -> Store:
        if self._seen_at is not None:
            raise ReadOnly(f"this is the memory as of {self._seen_at:%Y-%m-%d}: it can be read, not changed")
        return self.store

    def _made_by(self) -> str:
        return f"{self.name}/{self.method.version}" + (f" {self.lm.name}" if self.method.asks else "")
