"""What a person decided about records, kept while everything is derived anew: forgotten, pinned, edited, taken back.

The same events give the same records, so a decision names its record by id. It is written down in the transaction that
clears the records, and carried out when its record is there again; one whose record never comes back is dropped once
no event waits.
"""

import json
import sqlite3
from contextlib import suppress
from typing import Any

from remanence.errors import BadInput
from remanence.records import USER, Op, taken_back, utc
from remanence.store.changes import Change
from remanence.store.rows import read_ops

KEY = "decided"
FIELDS = ("kind", "record", "other", "relation", "value", "at", "why")
KINDS = ("expire", "supersede", "merge", "strengthen", "link")
Said = dict[str, Any]


def write_down(db: sqlite3.Connection) -> None:
    """Inside a transaction, before the log is cleared: what of it a person decided and did not take back."""
    ops = read_ops(db, "made.text = ?", (USER,))
    gone = taken_back(ops)
    standing = [_said(op) for op in ops if op.kind in KINDS and op.id not in gone]
    theirs = gone - {op.id for op in ops}  # operations of a method that a person took back
    marks = json.dumps(sorted(theirs))
    undone = [{"undo": _said(op)} for op in read_ops(db, "o.id IN (SELECT value FROM json_each(?))", (marks,))]
    _keep(db, [*waiting(db), *standing, *undone])


def waiting(db: sqlite3.Connection) -> list[Said]:
    """What was written down and not carried out yet."""
    found = db.execute("SELECT value FROM setting WHERE key = ?", (KEY,)).fetchone()
    return json.loads(found[0]) if found else []


def carry_out(change: Change) -> None:
    """Inside a transaction: decide again what is about records that are there."""
    later = [said for said in waiting(change.db) if not _decide(change, said)]
    pending = change.db.execute("SELECT 1 FROM event WHERE pending IS NOT NULL").fetchone()
    _keep(change.db, later if pending else [])


def drop(db: sqlite3.Connection) -> None:
    """Inside a transaction: an erasure leaves nothing that names what it erased."""
    _keep(db, [])


def _decide(change: Change, said: Said) -> bool:
    """Whether its records are there, and so it was decided."""
    op = said.get("undo", said)
    if not all(_there(change.db, op[name]) for name in ("record", "other") if op[name]):
        return False
    if "undo" not in said:
        change.carry_out([Op(**{**op, "at": utc(op["at"]) if op["at"] else None})], {})
        return True
    for again in reversed(read_ops(change.db, "r.hash = ?", (bytes.fromhex(op["record"]),))):
        if (again.kind, again.other, again.relation) == (op["kind"], op["other"], op["relation"]):
            with suppress(BadInput):  # something else was decided since
                change.take_back(again.id)
            break
    return True


def _there(db: sqlite3.Connection, id: str) -> bool:
    return db.execute("SELECT 1 FROM record WHERE hash = ?", (bytes.fromhex(id),)).fetchone() is not None


def _said(op: Op) -> Said:
    return {**{name: getattr(op, name) for name in FIELDS}, "at": op.at.isoformat() if op.at else ""}


def _keep(db: sqlite3.Connection, said: list[Said]) -> None:
    db.execute("DELETE FROM setting WHERE key = ?", (KEY,))
    if said:
        db.execute("INSERT INTO setting VALUES (?, ?)", (KEY, json.dumps(said)))
