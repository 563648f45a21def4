"""A memory on this machine: the verbs over one store and one method."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from remanence.errors import BadInput, LMError, NotFound, OtherMethod, ReadOnly, Unavailable
from remanence.given import Added, Progress, Reply
from remanence.lm.base import Base as LM
from remanence.memory import Memory
from remanence.plain import filter_of, in_scope, scope_of
from remanence.quarantine import doubt, put_aside
from remanence.records import USER, Event, Filter, Hit, Op, Query, Record, Source, add, utc
from remanence.registry import build
from remanence.store.base import Base as Store
from remanence.text.base import Base as Method
from remanence.text.base import derives
from remanence.text.parts.render import Context, Recalled, context, line

BATCH = 1000  # events kept in one transaction by add_many
PINNED = 1e9  # the strength from which on nothing fades


class Local(Memory):
    """A memory in a file of ours, derived by one of our methods."""

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

    def add_many(self, events: Iterable[Event], *, derive: bool = True, progress: Progress | None = None) -> Added:
        new = known = 0
        failure: LMError | None = None
        coming = iter(events)
        while batch := list(islice(coming, BATCH)):
            fresh = self._unknown(batch)
            said = [event for event in fresh if not self._recalled.echoes(event)]
            failure = self._keep(fresh, said, failure, derive)
            new, known = new + len(fresh), known + len(batch) - len(fresh)
            if progress:
                progress(new + known, None)
        if failure is not None:
            raise failure
        return Added(new, known)

    def edit(self, record: str, text: str, *, at: datetime | str | None = None) -> Record:
        old = self._record(record)
        meta = {"corrects": old.id, "kind": old.kind}
        event = Event(text, self._now(at), old.speaker, session=old.session, scope=old.scope, meta=meta)
        ops = self._derived([event])
        new = next(op.new for op in ops if op.new and op.new.kind == old.kind)
        if not any(op.record == old.id and op.kind == "supersede" for op in ops):
            ops.append(Op("supersede", old.id, new.id, at=event.at, why="edited"))
        self.store.apply(ops, events=[event], by=USER)
        return self._record(new.id)

    def pin(self, record: str) -> Op:
        op = Op("strengthen", self._record(record).id, value=PINNED, why="pinned")
        return self._writable().apply([op], by=USER)[0]

    def derive(self, *, progress: Progress | None = None) -> int:
        waiting = list(self._writable().events(Filter(), pending=True))
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            failure = self._keep(batch, batch)
            if failure is not None:
                raise failure
            if progress:
                progress(start + len(batch), len(waiting))
        self._writable().decide_again()
        return len(waiting)

    def consolidate(self, *, now: datetime | str | None = None, dry_run: bool = False) -> list[Op]:
        store = self._writable()
        if not dry_run:
            self.derive()
        ops = self.method.consolidate(store, self._now(now))
        return ops if dry_run else store.apply(ops, by=self._made_by())

    def forget(self, record: str = "", *, now: datetime | str | None = None, dry_run: bool = False) -> list[Op]:
        store = self._writable()
        if record:
            ops = [Op("expire", self._record(record).id, why="asked for")]
        else:
            ops = [op for op in self.method.forget(store, self._now(now)) if not self._pinned(op)]
        return ops if dry_run else store.apply(ops, by=USER if record else self._made_by())

    def undo(self, op: int) -> Op:
        return self._writable().undo(op, by=USER)

    def rebuild(self, method: str | None = None, *, progress: Progress | None = None, **settings: Any) -> int:
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
        hits = self._read(question, k, now, which)
        self._recalled.add(hit.text for hit in hits)
        return hits

    def context(self, question: str, tokens: int = 800, *, now: datetime | str | None = None, **which: Any) -> Context:
        if tokens < 1:
            raise BadInput(f"tokens must be at least 1, got {tokens}")
        made = context(self.search(question, max(5, tokens // 15), now=now, **which), tokens, self.method.arrange)
        self._recalled.add(line(hit.record) for hit in made.hits)
        return made

    def ask(self, question: str, k: int = 20, *, now: datetime | str | None = None, **which: Any) -> Reply:
        hits = self.search(question, k, now=now, **which)
        answer = self.lm.answer(question, [line(hit.record) for hit in hits])
        return Reply(answer.text, tuple(hits[i] for i in answer.cites), self.lm.name)

    def get(self, id: str) -> Record | Event:
        try:
            return self._record(id)
        except NotFound as no_record:
            try:
                return self.store.event(id)
            except NotFound:
                raise NotFound(str(no_record).replace("record", "record or event", 1)) from None

    def events(self, **which: Any) -> Iterator[Event]:
        return self.store.events(filter_of(**self._as_seen(which)))

    def records(self, **which: Any) -> Iterator[Record]:
        return self.store.records(filter_of(**self._as_seen(which)))

    def history(self, record: str = "") -> list[Op]:
        return self.store.ops(record)

    def as_of(self, when: datetime | str) -> Memory:
        return Local(self.store, self.method, self.name, self.lm, seen_at=utc(when))

    def status(self) -> dict[str, int | str]:
        return self.store.status()

    # -- moving --------------------------------------------------------------------------------------------------

    def export(self, path: str | Path, *, format: str = "jsonl", **which: Any) -> int:
        items = chain(self.events(**which), () if which else self.store.log())
        return int(build("formats", format).write(Path(path), items))

    def import_(
        self, path: str | Path, *, format: str | None = None, progress: Progress | None = None, **about: Any
    ) -> Added:
        from remanence.formats.parts.detect import detect

        source = Path(path)
        reader = build("formats", format or detect(source))
        problems: list[object] = []
        scope = scope_of(**about)
        if reader.complete(source):
            added = self._replay(reader.read_all(source, problems.append, progress))
        else:
            events = reader.read(source, problems.append, progress)
            added = self.add_many(in_scope(events, scope))
        return replace(added, problems=tuple(problems))

    def close(self) -> None:
        if self._seen_at is None:
            self.store.close()
            if self._folder:
                self._folder.cleanup()

    # -- inside --------------------------------------------------------------------------------------------------

    def _keep(
        self, events: Sequence[Event], said: list[Event], failure: LMError | None = None, derive: bool = True
    ) -> LMError | None:
        """Keep these events and derive from those that say something; when the model fails, keep them and say so."""
        store = self._writable()
        if store.method != self._held:
            raise OtherMethod(f"these memories were rebuilt by {store.method!r} in another process; open them again")
        if derive and not isinstance(failure, Unavailable):
            try:
                store.apply(self._derived(said), events=events, by=self._made_by())
                return failure
            except LMError as error:
                error.add_note("The events are kept; `consolidate` derives from them later.")
                failure = error if isinstance(error, Unavailable) else failure or error
        store.apply([], events=events, pending=True, by=self._made_by())
        return failure

    def _derived(self, events: Sequence[Event]) -> list[Op]:
        """What the method derives; of a correction at least a record of the corrected one's kind, in its own words."""
        doubts = {event.id: why for event in events if (why := doubt(event))}
        said = [event for event in events if event.id not in doubts]
        ops = self.method.write(sorted(said, key=lambda event: event.at), self._writable())
        for event in events:
            ops += put_aside(event, doubts[event.id]) if event.id in doubts else ()
        for event in said:
            kind = event.meta.get("kind") if "corrects" in event.meta else None
            if not isinstance(kind, str) or not kind.isidentifier():  # the event may come from anywhere
                continue
            if not any(op.new and op.new.kind == kind and _cites(op.new, event) for op in ops):
                source = Source(event.id, 0, len(event.text))
                about: dict[str, Any] = {"speaker": event.speaker, "session": event.session, "scope": event.scope}
                ops.append(add(Record(kind, event.text, event.at, (source,), **about), why="said so"))
        return ops

    def _replay(self, items: Iterable[Event | Record | Op]) -> Added:
        """Take in another store's events and log. Its records are used as they are if our method derives the same."""
        store, events, ops = self._writable(), list[Event](), list[Op]()
        for item in items:
            if isinstance(item, Event):
                events.append(item)
            elif isinstance(item, Op):
                ops.append(item)
        makers = {op.made_by.split("/")[0] for op in ops if op.kind == "add"} - {USER}
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

    def _record(self, id: str) -> Record:
        (row,) = self.store.rows_of([id]).tolist()
        return self.store.read([row])[row]

    def _pinned(self, op: Op) -> bool:
        return op.kind == "expire" and self._record(op.record).strength >= PINNED

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


def _cites(record: Record, event: Event) -> bool:
    return any(source.event == event.id for source in record.sources)
