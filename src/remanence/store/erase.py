"""Erasing: events, all that was derived from them, and every page that held them.

SQLite's secure_delete writes zeros over what is deleted, the word index is merged so that no old segment keeps a word,
and the write-ahead log is emptied. Names that nobody uses any more go too. What remains is one operation that says how
much went, and not what.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence

from remanence.errors import Locked
from remanence.records import Filter
from remanence.store import decided
from remanence.store.changes import Change
from remanence.store.identity import NEW_EPOCH
from remanence.store.rows import batches
from remanence.store.select import event_rows


def erase_events(change: Change, allowed: Filter, say: Callable[[str], None]) -> int:
    """Inside a transaction: the events that the filter lets through and all that cites them; how many events."""
    events = event_rows(change.db, allowed)
    say(f"erasing {len(events)} events")
    derived = rows_derived(change.db, events)
    beside = events_cited(change.db, derived)
    restore_replaced(change.db, derived)
    delete_records(change.db, derived)
    delete_events(change.db, events)
    wait_again(change.db, beside)
    delete_unused_names(change.db)
    decided.drop(change.db)
    if events:
        change.note_erasure(len(events))
    change.db.execute(NEW_EPOCH)
    return len(events)


def clear_derived(db: sqlite3.Connection) -> None:
    """Inside a transaction: every record and the whole log; all events wait to be derived from."""
    for table in ("record", "vector", "source", "link", "op"):
        db.execute(f"DELETE FROM {table}")
    db.execute("INSERT INTO words (words) VALUES ('rebuild')")
    db.execute("UPDATE session SET turns = 0")
    db.execute("UPDATE event SET pending = 1")
    db.execute(NEW_EPOCH)


def rows_derived(db: sqlite3.Connection, events: Sequence[int]) -> list[int]:
    """Every record that cites one of these events."""
    found: set[int] = set()
    for marks, some in batches(events):
        found.update(row for (row,) in db.execute(f"SELECT record FROM source WHERE event IN ({marks})", some))
    return sorted(found)


def events_cited(db: sqlite3.Connection, rows: Sequence[int]) -> list[int]:
    """Every event that one of these records cites."""
    found: set[int] = set()
    for marks, some in batches(rows):
        found.update(event for (event,) in db.execute(f"SELECT event FROM source WHERE record IN ({marks})", some))
    return sorted(found)


def wait_again(db: sqlite3.Connection, events: Sequence[int]) -> None:
    """Events that stay, and that nothing cites any more, are derived from anew: they lost what they shared."""
    for marks, some in batches(events):
        db.execute(f"UPDATE event SET pending = 1 WHERE id IN ({marks}) AND id NOT IN (SELECT event FROM source)", some)


def restore_replaced(db: sqlite3.Connection, rows: Sequence[int]) -> None:
    """What these records superseded or took in holds again, as far as nothing was decided about it since."""
    steps: list[tuple[int, int, str]] = []
    for marks, some in batches(rows):
        sql = f"""SELECT id, record, change FROM op
                  WHERE other IN ({marks}) AND relation IS NULL AND change IS NOT NULL"""
        steps += db.execute(sql, some)
    for _, row, change in sorted(steps, reverse=True):
        columns = json.loads(change)
        before, after = zip(*columns.values(), strict=True)
        restored, same = ", ".join(f"{c} = ?" for c in columns), " AND ".join(f"{c} IS ?" for c in columns)
        db.execute(f"UPDATE record SET {restored} WHERE id = ? AND {same}", (*before, row, *after))


def delete_records(db: sqlite3.Connection, rows: Sequence[int]) -> None:
    """Records with their vectors, words, links, sources and log."""
    for marks, some in batches(rows):
        sql = f"SELECT 'delete', id, text, tags FROM searched WHERE id IN ({marks})"
        db.execute(f"INSERT INTO words (words, rowid, text, tags) {sql}", some)
        for column in ("record", "other"):
            db.execute(f"DELETE FROM op WHERE {column} IN ({marks})", some)
        db.execute(f"DELETE FROM record WHERE id IN ({marks})", some)
        db.execute(f"DELETE FROM vector WHERE id IN ({marks})", some)
        db.execute(f"DELETE FROM source WHERE record IN ({marks})", some)
        db.execute(f"DELETE FROM link WHERE src IN ({marks}) OR dst IN ({marks})", some + some)


def delete_events(db: sqlite3.Connection, events: Sequence[int]) -> None:
    for marks, some in batches(events):
        db.execute(f"DELETE FROM event WHERE id IN ({marks})", some)


def delete_unused_names(db: sqlite3.Connection) -> None:
    """Speakers, roles, sessions, scopes and relations that nothing refers to: they may name a person."""
    db.execute("""DELETE FROM session WHERE id NOT IN (SELECT session FROM event)
                  AND id NOT IN (SELECT session FROM record)""")
    db.execute("DELETE FROM scope WHERE id NOT IN (SELECT scope FROM session)")
    db.execute("""DELETE FROM name WHERE what IN ('speaker', 'role') AND id NOT IN
                  (SELECT speaker FROM event UNION SELECT role FROM event UNION SELECT speaker FROM record)""")
    db.execute("""DELETE FROM name WHERE what = 'relation' AND id NOT IN
                  (SELECT relation FROM link UNION SELECT relation FROM op WHERE relation IS NOT NULL)""")


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
