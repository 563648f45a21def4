"""What one process knows of the file: the columns, what no longer holds, which words are common. Caught up when asked.

Settings of the file, kept in its table `setting`: `store` its random name, `embedder` and `dim` the vector space,
`method` who derived the records, `epoch` a number that grows whenever everything known must be looked at again.
"""

import hashlib
import sqlite3
import threading
from pathlib import Path

import numpy as np

from remanence.records import Filter
from remanence.store.columns import ColumnFile, Part, encode
from remanence.store.schema import BUSY_S
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
        self.look_again()

    def look_again(self) -> None:
        """Start over with empty caches: at opening, and when the epoch changed (another embedder, an erasure)."""
        self.settings: dict[str, str] = dict(self.reader.execute("SELECT key, value FROM setting"))
        identity = "-".join(self.settings[key] for key in ("store", "embedder", "epoch"))
        folder = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
        home = self.path.with_name(self.path.name + "-columns")
        self.columns = ColumnFile(home, folder, int(self.settings["dim"]))
        self.closed, self.word_search = Closed(), WordSearch()

    def catch_up(self) -> None:
        """Take in the records that came since the last look, ours and other processes'."""
        ((epoch,),) = self.reader.execute("SELECT value FROM setting WHERE key = 'epoch'")
        if epoch != self.settings["epoch"]:
            self.look_again()
        self.closed.catch_up(self.reader)
        ((last,),) = self.reader.execute("SELECT coalesce(max(id), 0) FROM record")
        if last <= self.columns.last:
            return
        if self.columns.rows_on_disk() > len(self.columns.file["row"]):
            self.columns.remap()
        while fresh := self._fresh():
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
            if self.writer.in_transaction:
                return
            self.writer.execute("PRAGMA busy_timeout = 0")
            self.writer.execute("BEGIN IMMEDIATE")
            self.columns.remap()
            self.columns.flush()
            self.writer.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return  # another process holds the lock: the rows stay in memory until next time
        finally:
            self.writer.execute(f"PRAGMA busy_timeout = {BUSY_S * 1000:.0f}")
            self.writing.release()

    def _fresh(self) -> Part | None:
        """The columns of the next few thousand records that are not held yet."""
        sql = """SELECT r.id, r.session, coalesce(r.place, 0), r.valid_from, s.scope, r.speaker, r.kind, r.channel,
                        r.length, v.v
                 FROM record r JOIN session s ON s.id = r.session JOIN vector v ON v.id = r.id
                 WHERE r.id > ? ORDER BY r.id LIMIT ?"""
        found = self.reader.execute(sql, (self.columns.last, AT_ONCE)).fetchall()
        if not found:
            return None
        *plain, blobs = zip(*found, strict=True)
        vectors = np.frombuffer(b"".join(blobs), dtype=np.float16).reshape(len(found), -1).astype(np.float32)
        names = ("row", "session", "place", "at", "scope", "speaker", "kind", "channel", "length")
        part: Part = {n: np.array(c, dtype=self.columns.types[n][0]) for n, c in zip(names, plain, strict=True)}
        return part | encode(vectors)
