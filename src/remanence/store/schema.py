"""The tables of the file, as numbered migrations, and how a connection is set up.

Times are whole microseconds since 1970 UTC. Words that repeat (speakers, kinds, ...) are kept once, in `name`.
A record that says exactly what one event says keeps no text of its own (NULL). An event's text stands last in its row,
so that reading the rest does not walk over it.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from remanence.errors import BadInput, Corrupt, DiskFull, Locked, NewerVersion, ReadOnly, StoreError

APPLICATION = 0x52454D41  # "REMA" in the file's header
BUSY_S = 15.0  # how long a write waits for another process's
DAMAGED = "it is damaged; restore a backup, or export what can be read and import it anew"

MIGRATIONS = (
    """
    CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE name (id INTEGER PRIMARY KEY, what TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (what, text));
    CREATE TABLE scope (
        id INTEGER PRIMARY KEY, user TEXT NOT NULL, agent TEXT NOT NULL, run TEXT NOT NULL, app TEXT NOT NULL,
        UNIQUE (user, agent, run, app));
    CREATE TABLE session (
        id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, text TEXT NOT NULL, turns INTEGER NOT NULL DEFAULT 0,
        UNIQUE (scope, text));
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, at INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL, speaker INTEGER NOT NULL, role INTEGER NOT NULL, session INTEGER NOT NULL,
        channel INTEGER NOT NULL, pending INTEGER, meta TEXT, text TEXT NOT NULL);
    CREATE INDEX event_session ON event (session);
    CREATE INDEX event_pending ON event (id) WHERE pending IS NOT NULL;
    CREATE TABLE record (
        id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, text TEXT, key TEXT,
        valid_from INTEGER NOT NULL, valid_to INTEGER, superseded_by INTEGER, retired INTEGER, touched INTEGER,
        strength REAL NOT NULL, reads INTEGER NOT NULL, last_read INTEGER, speaker INTEGER NOT NULL,
        session INTEGER NOT NULL, place INTEGER, channel INTEGER NOT NULL, length INTEGER NOT NULL,
        meta TEXT, made_by INTEGER NOT NULL);
    CREATE INDEX record_touched ON record (touched) WHERE touched IS NOT NULL;
    CREATE INDEX record_place ON record (place) WHERE place IS NOT NULL;
    CREATE TABLE vector (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
    CREATE TABLE source (
        record INTEGER NOT NULL, event INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
        PRIMARY KEY (record, event, start, end)) WITHOUT ROWID;
    CREATE INDEX source_event ON source (event);
    CREATE TABLE link (
        src INTEGER NOT NULL, relation INTEGER NOT NULL, dst INTEGER NOT NULL, weight REAL NOT NULL,
        PRIMARY KEY (src, relation, dst)) WITHOUT ROWID;
    CREATE INDEX link_dst ON link (dst);
    CREATE TABLE op (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, record INTEGER, other INTEGER, relation INTEGER,
        value REAL, at INTEGER, read INTEGER, why TEXT, change TEXT, undoes INTEGER, recorded_at INTEGER NOT NULL,
        made_by INTEGER NOT NULL);
    CREATE INDEX op_record ON op (record);
    CREATE INDEX op_other ON op (other) WHERE other IS NOT NULL;
    CREATE VIEW searched (id, text, tags) AS
        SELECT r.id, coalesce(r.key, r.text, (SELECT e.text FROM source s JOIN event e ON e.id = s.event
                                              WHERE s.record = r.id LIMIT 1)),
               's' || (SELECT scope FROM session WHERE id = r.session) || ' k' || r.kind
        FROM record r;
    CREATE VIRTUAL TABLE words USING fts5(
        text, tags, content='searched', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2');
    """,
)
VERSION = len(MIGRATIONS)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with our settings to a file that exists or, unless read-only, is made."""
    if "\0" in str(path):
        raise BadInput(f"not a path: {str(path)!r}")
    with speaking_plainly(path):
        uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        db = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            _version(db, path)  # another program's file is refused before anything of it is changed
            db.execute("PRAGMA mmap_size = 1073741824")
            db.execute("PRAGMA cache_size = -16000")
            db.execute("PRAGMA temp_store = MEMORY")
            if not read_only:
                db.execute("PRAGMA secure_delete = ON")
                _write_ahead(db)
                db.execute("PRAGMA synchronous = FULL")
            _migrate(db, path, read_only)
        except BaseException:
            db.close()
            raise
        return db


def _write_ahead(db: sqlite3.Connection) -> None:
    """Let readers and a writer work at once. SQLite refuses the change, without waiting, while another writes."""
    end = time.monotonic() + BUSY_S
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)


def _migrate(db: sqlite3.Connection, path: Path, read_only: bool) -> None:
    """Bring the file up to date; several processes may try at once."""
    version = _version(db, path)
    if version == VERSION or (read_only and version):
        return
    if read_only:
        raise ReadOnly(f"{path} is empty and cannot be written to")
    db.execute("BEGIN IMMEDIATE")
    try:
        for script in MIGRATIONS[_version(db, path) :]:
            for statement in script.split(";\n"):
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _version(db: sqlite3.Connection, path: Path) -> int:
    ((tables,),) = db.execute("SELECT count(*) FROM sqlite_master")  # first: the rest is set in the same transaction
    ((application,),) = db.execute("PRAGMA application_id")
    ((version,),) = db.execute("PRAGMA user_version")
    if tables and application != APPLICATION:
        raise Corrupt(f"{path} is an SQLite file of another program; give another path")
    if version > VERSION:
        raise NewerVersion(f"{path} has format {version}, this Remanence reads up to {VERSION}; update Remanence")
    return int(version)


@contextmanager
def speaking_plainly(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        for sign, ours, advice in (
            ("locked", Locked, f"another process is writing to it for more than {BUSY_S:.0f} s; try again"),
            ("readonly", ReadOnly, "it cannot be written to; check its permissions and its folder's"),
            ("unable to open", ReadOnly, "it cannot be opened; check that its folder exists and may be written to"),
            ("full", DiskFull, "the disk is full; nothing of this write was kept"),
            ("disk I/O", DiskFull, "the disk did not take the write; nothing of it was kept"),
            ("malformed", Corrupt, DAMAGED),
            ("vtable constructor", Corrupt, DAMAGED),
            ("decode to UTF-8", Corrupt, DAMAGED),
            ("no such", Corrupt, DAMAGED),
            ("not a database", Corrupt, "it is not a Remanence file; give another path"),
        ):
            if sign in text:
                raise ours(f"{path}: {advice} ({text})") from error
        raise StoreError(f"{path}: {text}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Corrupt(f"{path}: {DAMAGED} ({error})") from error
