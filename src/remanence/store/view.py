"""What one process knows of the file: the columns, what no longer holds, which words are common."""

import hashlib
import sqlite3
import threading
from pathlib import Path

import numpy as np

from remanence.errors import Corrupt, ReadOnly
from remanence.records import Filter
from remanence.store.columns import ColumnFile, Head, Part, encode
from remanence.store.schema import BUSY_S, DAMAGED
from remanence.store.search import WordSearch
from remanence.store.select import Closed, Selector

TAIL = 1024  # so many rows wait in memory before they are appended to the column files
AT_ONCE = 8192  # rows read from the file in one go


class View:
    """`writer` is None for a store opened read-only: then nothing is appended to the column files."""

    def __init__(
        self, path: Path, reader: sqlite3.Connection, writer: sqlite3.Connection | None, writing: threading.RLock
    ):
        self.path, self.reader, self.writer, self.writing = path, reader, writer, writing
        self.home = path.with_name(path.name + "-columns")
        self.look_again()

    def look_again(self) -> None:
        """Start over with empty caches: at opening, and when the epoch changed (another embedder, an erasure)."""
        self.settings: dict[str, str] = dict(self.reader.execute("SELECT key, value FROM setting"))
        if "store" not in self.settings:  # a process was stopped while it made the file, and we may only read
            raise ReadOnly(f"{self.path} is empty and cannot be written to")
        identity = "-".join(self.settings[key] for key in ("store", "embedder", "epoch"))
        folder = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
        self.columns = ColumnFile(self.home, folder, int(self.settings["dim"]))
        self.closed, self.word_search = Closed(), WordSearch()

    def catch_up(self) -> None:
        """Take in the records that came since the last look, ours and others'. Inside a reading transaction."""
        if self._epoch(self.reader) != self.settings["epoch"]:
            self.look_again()
        self.closed.catch_up(self.reader)
        ((last,),) = self.reader.execute("SELECT coalesce(max(id), 0) FROM record")
        if last <= self.columns.last:
            return
        head = self.columns.head()
        if head and head.rows > len(self.columns.file["row"]) and (there := self._last_of(head, self.reader)):
            self.columns.remap(head, there)
        while fresh := self._read(self.reader, self.columns.last, AT_ONCE):
            self.columns.grow(fresh)
            if len(self.columns.tail["row"]) >= TAIL:
                self._flush()

    def selector(self, allowed: Filter) -> Selector:
        return Selector(self.reader, self.columns, self.closed, allowed)

    def _flush(self) -> None:
        """Append the waiting rows to the column files, unless somebody is writing just now."""
        if self.writer is None or not self.writing.acquire(blocking=False):
            return
        try:
            if not self.writer.in_transaction and _begins_at_once(self.writer):
                try:
                    self._append(self.writer)
                finally:
                    self.writer.execute("ROLLBACK")
        except OSError:
            return  # no room or no permission beside the file: the rows stay in memory, where they are as good
        finally:
            self.writing.release()

    def _append(self, db: sqlite3.Connection) -> None:
        if self._epoch(db) != self.settings["epoch"]:
            return  # erased or embedded anew since we looked: nothing of it may come back
        head, held = self.columns.head(), len(self.columns.file["row"])
        there = self._last_of(head, db) if head and head.rows >= held else None
        if head and there and not self._last_of(head, self.reader):
            return  # somebody appended what this reading may not see yet
        append = head is not None and there is not None and self.columns.remap(head, there)
        if not append or len(self.columns.tail["row"]):
            self.columns.flush(str(_origin(db, self.columns.last)), append=append)

    def _last_of(self, head: Head, db: sqlite3.Connection) -> Part | None:
        """What the last row of the column files must be; None when this connection does not see its record."""
        return self._read(db, head.last - 1, 1) if _origin(db, head.last) == head.origin else None

    def _epoch(self, db: sqlite3.Connection) -> str:
        ((epoch,),) = db.execute("SELECT value FROM setting WHERE key = 'epoch'")
        return str(epoch)

    def _read(self, db: sqlite3.Connection, after: int, n: int) -> Part | None:
        """The columns of the next n records after this row, from the tables."""
        sql = """SELECT r.id, r.session, coalesce(r.place, 0), r.valid_from, s.scope, r.speaker, r.kind, r.channel,
                        r.length, v.v
                 FROM record r JOIN session s ON s.id = r.session JOIN vector v ON v.id = r.id
                 WHERE r.id > ? ORDER BY r.id LIMIT ?"""
        found = db.execute(sql, (after, n)).fetchall()
        if not found:
            return None
        *plain, blobs = zip(*found, strict=True)
        if any(not isinstance(blob, bytes) or len(blob) != 2 * self.columns.dim for blob in blobs):
            raise Corrupt(f"{self.path} holds vectors of another width; {DAMAGED}")
        vectors = np.frombuffer(b"".join(blobs), dtype=np.float16).reshape(len(found), -1).astype(np.float32)
        if not np.isfinite(vectors).all():
            raise Corrupt(f"{self.path} holds vectors that are none; {DAMAGED}")
        names = ("row", "session", "place", "at", "scope", "speaker", "kind", "channel", "length")
        part: Part = {n: np.array(c, dtype=self.columns.types[n][0]) for n, c in zip(names, plain, strict=True)}
        return part | encode(vectors)


def _begins_at_once(db: sqlite3.Connection) -> bool:
    """Take the write lock if it is free this moment."""
    db.execute("PRAGMA busy_timeout = 0")
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:  # another process holds it
        return False
    finally:
        db.execute(f"PRAGMA busy_timeout = {BUSY_S * 1000:.0f}")
    return True


def _origin(db: sqlite3.Connection, row: int) -> str | None:
    """Which record this row holds and when it came in; None when there is none."""
    sql = "SELECT hash, (SELECT min(recorded_at) FROM op WHERE record = r.id) FROM record r WHERE id = ?"
    found = db.execute(sql, (row,)).fetchone()
    return found and f"{found[0].hex()} {found[1]}"
