"""Erasing: events, all that was derived from them, and every page that held them.

SQLite's secure_delete writes zeros over what is deleted, the word index is merged so that no old segment keeps a word,
and the write-ahead log is emptied. Names that nobody uses any more go too. What remains is one operation that says how
much went, and not what.
"""

import sqlite3
from collections.abc import Callable, Sequence

from remanence.errors import Locked
from remanence.store.rows import batches


def rows_derived(db: sqlite3.Connection, events: Sequence[int]) -> list[int]:
    """Every record that cites one of these events, or hangs on such a record by being all that supersedes it says."""
    found: set[int] = set()
    for marks, some in batches(events):
        found.update(row for (row,) in db.execute(f"SELECT record FROM source WHERE event IN ({marks})", some))
    return sorted(found)


def delete_records(db: sqlite3.Connection, rows: Sequence[int]) -> None:
    """Records with their vectors, words, links, sources and log; what they replaced holds again."""
    for marks, some in batches(rows):
        sql = f"SELECT 'delete', id, text, tags FROM searched WHERE id IN ({marks})"
        db.execute(f"INSERT INTO words (words, rowid, text, tags) {sql}", some)
        sql = f"SELECT id FROM record WHERE superseded_by IN ({marks}) AND id NOT IN ({marks})"
        freed = [row for (row,) in db.execute(sql, some + some)]
        for column in ("record", "other"):
            db.execute(f"DELETE FROM op WHERE {column} IN ({marks})", some)
        db.execute(f"DELETE FROM record WHERE id IN ({marks})", some)
        db.execute(f"DELETE FROM vector WHERE id IN ({marks})", some)
        db.execute(f"DELETE FROM source WHERE record IN ({marks})", some)
        db.execute(f"DELETE FROM link WHERE src IN ({marks}) OR dst IN ({marks})", some + some)
        for free_marks, free in batches(freed):
            db.execute(
                f"UPDATE record SET superseded_by = NULL, valid_to = NULL, retired = NULL WHERE id IN ({free_marks})",
                free,
            )


def delete_events(db: sqlite3.Connection, events: Sequence[int]) -> None:
    for marks, some in batches(events):
        db.execute(f"DELETE FROM event WHERE id IN ({marks})", some)


def delete_unused_names(db: sqlite3.Connection) -> None:
    """Speakers, sessions, scopes and roles that nothing refers to: they may be a person's name."""
    db.execute("""DELETE FROM session WHERE id NOT IN (SELECT session FROM event)
                  AND id NOT IN (SELECT session FROM record)""")
    db.execute("DELETE FROM scope WHERE id NOT IN (SELECT scope FROM session)")
    db.execute("""DELETE FROM name WHERE what IN ('speaker', 'role') AND id NOT IN
                  (SELECT speaker FROM event UNION SELECT role FROM event UNION SELECT speaker FROM record)""")


def scrub(db: sqlite3.Connection, say: Callable[[str], None]) -> None:
    """After the transaction: rewrite what could still hold a trace."""
    say("merging the word index")
    db.execute("INSERT INTO words (words) VALUES ('optimize')")
    say("rewriting the file")
    db.execute("VACUUM")
    say("emptying the write-ahead log")
    ((busy, _, _),) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if busy:
        raise Locked("everything was erased, but another process still reads older pages; close it and erase again")
