"""The default store: one SQLite file in WAL mode, and beside it a folder of columns that can always be rebuilt.

Cost:    one durable write about 1 ms of CPU; a search of words and vectors at 100k records about 8 ms.

Two connections: one writes, one reads, each behind a lock, so that threads may share a store. Other processes may open
the same file; nothing is locked while a model or an embedder works, but for `reembed`.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remanence.embed.base import Base as Embedder
from remanence.errors import BadInput, ReadOnly, StoreError
from remanence.records import USER, Event, Filter, Op, Record, Scope
from remanence.store import decided, erase, identity
from remanence.store import rows as stored
from remanence.store.base import Base, Columns, Ranked, Rows, Scores
from remanence.store.changes import Change
from remanence.store.reembed import embedded, reembed
from remanence.store.schema import connect, speaking_plainly
from remanence.store.search import find_all_words, find_neighbours, find_newest, find_vectors, read_vectors
from remanence.store.select import event_rows, numbers
from remanence.store.status import status
from remanence.store.view import View


class SQLite(Base):
    def __init__(self, path: str | Path, embedder: Embedder, *, read_only: bool = False):
        self.path, self.embedder, self.read_only = Path(path), embedder, read_only
        self.reading, self.writing = threading.RLock(), threading.RLock()
        self.reader = self.writer = connect(self.path, read_only=read_only)
        try:
            if not read_only:
                self.writer = connect(self.path)
                with speaking_plainly(self.path):
                    noted = identity.is_noted(self.writer)
                if not noted:  # one that is noted is opened without a lock
                    with self._write() as change:
                        identity.note(change.db, embedder)
            with speaking_plainly(self.path):
                self.view = View(self.path, self.reader, None if read_only else self.writer, self.writing)
        except BaseException:
            self.close()
            raise

    @property
    def settings(self) -> dict[str, str]:
        return self.view.settings

    @property
    def method(self) -> str:  # type: ignore[override]  # it changes under us when another process rebuilds
        return self.view.settings["method"]

    @property
    def epoch(self) -> str:
        with self._read():
            return self.settings["epoch"]

    # -- looking things up ---------------------------------------------------------------------------------------

    def find_words(self, words: Sequence[str], allowed: Filter, n: int) -> Ranked:
        with self._read() as db:
            return self.view.word_search.find(db, words, self.view.selector(allowed), n)

    def find_all_words(self, words: Sequence[str], allowed: Filter, n: int) -> Rows:
        with self._read() as db:
            return find_all_words(db, words, self.view.selector(allowed), n)

    def find_vectors(self, vector: NDArray[np.float32], allowed: Filter, n: int) -> Ranked:
        if vector.shape != (self.embedder.dim,) or not np.isfinite(vector).all():
            raise BadInput(f"a query vector needs {self.embedder.dim} finite numbers, got shape {vector.shape}")
        with self._read() as db:
            identity.check_space(db, self.embedder, self.path)
            return find_vectors(db, vector, self.view.selector(allowed), n)

    def newest(self, allowed: Filter, n: int) -> Ranked:
        with self._read():
            return find_newest(self.view.selector(allowed), n)

    def allowed(self, rows: Rows, allowed: Filter) -> NDArray[np.bool_]:
        with self._read():
            return self.view.selector(allowed).allows(rows)

    def columns(self, rows: Rows) -> Columns:
        with self._read():
            positions = self.view.columns.positions(rows)
            names = ("place", "at", "speaker", "kind", "length")
            return Columns(rows, *(self.view.columns.take(name, positions) for name in names))

    def neighbours(self, rows: Rows, steps: Sequence[int]) -> NDArray[np.int64]:
        with self._read() as db:
            return find_neighbours(db, self.view.columns, rows, steps)

    def similarity(self, vector: NDArray[np.float32], rows: Rows) -> Scores:
        with self._read() as db:
            identity.check_space(db, self.embedder, self.path)
            return self.view.columns.cosine(vector, self.view.columns.positions(rows))

    def texts(self, rows: Iterable[int]) -> dict[int, str]:
        with self._read() as db:
            return stored.texts_of(db, rows)

    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        with self._read() as db:
            return read_vectors(db, rows, int(self.settings["dim"]))

    def number(self, what: str, name: str) -> int:
        with self._read() as db:
            return next(iter(numbers(db, what, (name,))), -1)

    def names(self, what: str) -> list[str]:
        with self._read() as db:
            return stored.names_of(db, what)

    def read(self, rows: Iterable[int]) -> dict[int, Record]:
        wanted = [int(row) for row in rows]
        with self._read() as db:
            found = stored.read_records(db, wanted)
        return {row: found[row] for row in wanted if row in found}

    def rows_of(self, ids: Sequence[str]) -> Rows:
        with self._read() as db:
            return np.array([stored.row_of(db, "record", id) for id in ids], dtype=np.int64)

    def records(self, allowed: Filter, *, made_since: int = 0) -> Iterator[Record]:
        with self._read():
            rows = self.view.columns.column("row")[self.view.selector(allowed).mask()].tolist()
        for start in range(0, len(rows), 500):
            yield from self.read(row for row in rows[start : start + 500] if row > made_since).values()

    def metas(self, kind: str, *, made_since: int = 0) -> list[tuple[int, Scope, Mapping[str, object]]]:
        with self._read() as db:
            return stored.metas_of(db, kind, made_since)

    def linked(self, rows: Rows, relation: str = "") -> list[tuple[int, int, str, float]]:
        with self._read() as db:
            return stored.links_out(db, rows.tolist(), relation)

    def event(self, id: str) -> Event:
        with self._read() as db:
            return next(stored.read_events(db, "WHERE e.id = ?", (stored.row_of(db, "event", id),)))

    def events(self, allowed: Filter, *, pending: bool = False) -> Iterator[Event]:
        with self._read() as db:
            chosen = event_rows(db, allowed, pending=pending)
        for marks, some in stored.batches(chosen):
            with self._read() as db:
                events = list(stored.read_events(db, f"WHERE e.id IN ({marks})", some))
            yield from events

    def ops(self, record: str = "", *, since: int = 0) -> list[Op]:
        with self._read() as db:
            if record:
                row = stored.row_of(db, "record", record)
                return stored.read_ops(db, "o.id > ? AND (o.record = ? OR o.other = ?)", (since, row, row))
            return stored.read_ops(db, "o.id > ?", (since,))

    def log(self) -> Iterator[Op]:
        ops = self.ops()
        for start in range(0, len(ops), 500):
            some = ops[start : start + 500]
            rows = self.rows_of([op.record for op in some if op.kind == "add"])
            with self._read() as db:
                came = {record.id: record for record in stored.read_as_added(db, rows.tolist())}
            yield from (replace(op, new=came.get(op.record)) if op.kind == "add" else op for op in some)

    def known(self, events: Sequence[Event]) -> set[str]:
        with self._read() as db:
            return stored.known_of(db, events)

    # -- changing things -----------------------------------------------------------------------------------------

    def apply(
        self, ops: Sequence[Op], *, events: Sequence[Event] = (), pending: bool = False, by: str = ""
    ) -> list[Op]:
        new = {op.new.id: op.new for op in ops if op.new is not None}
        texts = [record.key or record.text for record in new.values()]
        vectors = dict(zip(new, embedded(self.embedder, texts), strict=True))
        with self._write(by) as change:
            if vectors:
                identity.check_space(change.db, self.embedder, self.path)
            change.keep(events, pending=pending)
            logged = change.carry_out(ops, vectors)
            change.finish()
        return logged

    def undo(self, op: int, *, by: str = "") -> Op:
        with self._write(by) as change:
            change.take_back(op)
        return self.ops(since=change.logged[0].id - 1)[0]

    def erase(self, allowed: Filter, *, progress: Callable[[str], None] | None = None) -> int:
        say = progress or (lambda _: None)
        with self.writing, self.reading:
            with self._write("erase") as change:
                count = erase.erase_events(change, allowed, say)
            with speaking_plainly(self.path):
                self.view.look_again()
                left = self.view.columns.remove_others()
                erase.scrub(self.writer, say)
            if left:
                raise StoreError(f"everything was erased but {left[0]}, which could not be removed; remove it")
            say("rebuilding the columns")
            with self._read():
                return count

    def settle(self, method: str) -> str:
        if self.method or self.read_only:
            return self.method or method
        with self._write() as change:
            change.db.execute("UPDATE setting SET value = ? WHERE key = 'method' AND value = ''", (method,))
        with self.reading, speaking_plainly(self.path):
            self.view.look_again()
        return self.method

    def clear_records(self, *, method: str) -> None:
        with self.writing, self.reading:
            with self._write("rebuild") as change:
                decided.write_down(change.db)
                erase.clear_derived(change.db)
                change.db.execute("UPDATE setting SET value = ? WHERE key = 'method'", (method,))
            self._start_over()

    def decide_again(self) -> None:
        with self._read() as db:
            waits = decided.waiting(db)
        if waits:
            with self._write(USER) as change:
                decided.carry_out(change)
                change.finish()

    def reembed(self, embedder: Embedder, *, progress: Callable[[int, int], None] | None = None) -> None:
        with self.writing, self.reading:
            with self._write("reembed") as change:
                reembed(change.db, embedder, progress or (lambda done, total: None))
            self.embedder = embedder
            self._start_over()

    def status(self) -> dict[str, int | str]:
        with self._read() as db:
            return status(db, self.path, self.view.home, self.settings)

    def close(self) -> None:
        with self.writing, self.reading:
            self.reader.close()
            self.writer.close()

    # -- inside --------------------------------------------------------------------------------------------------

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        """The reading connection, with the columns caught up. All that is read inside was true at one moment."""
        with self.reading, speaking_plainly(self.path):
            if self.reader.in_transaction:  # inside another reading
                yield self.reader
                return
            self.reader.execute("BEGIN")
            try:
                self.view.catch_up()
                yield self.reader
            finally:
                if self.reader.in_transaction:
                    self.reader.execute("ROLLBACK")

    @contextmanager
    def _write(self, by: str = "") -> Iterator[Change]:
        """One transaction: all of it or nothing, on disk when it ends."""
        if self.read_only:
            raise ReadOnly(f"{self.path} was opened read-only")
        with self.writing, speaking_plainly(self.path):
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                yield Change(self.writer, by)
                self.writer.execute("COMMIT")
            except BaseException:
                if self.writer.in_transaction:
                    self.writer.execute("ROLLBACK")
                raise

    def _start_over(self) -> None:
        """After a change to everything: look again, and drop the columns of before."""
        with speaking_plainly(self.path):
            self.view.look_again()
        self.view.columns.remove_others()
