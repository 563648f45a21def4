"""Rows of the tables read back as the values that travel."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from remanence.errors import BadInput, Corrupt, NotFound
from remanence.records import Event, Link, Op, Record, Scope, Source
from remanence.store.schema import DAMAGED
from remanence.store.times import moment

MANY = 500  # how many numbers go into one statement

EVENT = """
    SELECT e.text, e.at, e.recorded_at, speaker.text, role.text, channel.text, e.meta, s.text,
           scope.user, scope.agent, scope.run, scope.app, e.id
    FROM event e JOIN session s ON s.id = e.session JOIN scope ON scope.id = s.scope
    JOIN name speaker ON speaker.id = e.speaker JOIN name role ON role.id = e.role
    JOIN name channel ON channel.id = e.channel
"""
RECORD = """
    SELECT r.id, kind.text, r.text, r.key, r.valid_from, r.valid_to, by.hash, r.strength, r.reads, r.last_read,
           speaker.text, s.text, scope.user, scope.agent, scope.run, scope.app, r.meta, made.text
    FROM record r JOIN session s ON s.id = r.session JOIN scope ON scope.id = s.scope
    JOIN name kind ON kind.id = r.kind JOIN name speaker ON speaker.id = r.speaker JOIN name made ON made.id = r.made_by
    LEFT JOIN record by ON by.id = r.superseded_by
"""
TEXT = """
    SELECT r.id, coalesce(r.text, (SELECT e.text FROM source s JOIN event e ON e.id = s.event
                                   WHERE s.record = r.id LIMIT 1))
    FROM record r
"""
OP = """
    SELECT o.id, kind.text, r.hash, other.hash, relation.text, o.value, o.at, o.read, o.why, o.undoes, o.recorded_at,
           made.text
    FROM op o JOIN name kind ON kind.id = o.kind JOIN name made ON made.id = o.made_by
    LEFT JOIN record r ON r.id = o.record LEFT JOIN record other ON other.id = o.other
    LEFT JOIN name relation ON relation.id = o.relation
"""


def batches(numbers: Iterable[int]) -> Iterator[tuple[str, list[int]]]:
    """The numbers a few hundred at a time, each with its question marks."""
    numbers = [int(number) for number in numbers]
    for start in range(0, len(numbers), MANY):
        some = numbers[start : start + MANY]
        yield ", ".join("?" * len(some)), some


def read_events(db: sqlite3.Connection, where: str = "", values: Sequence[object] = ()) -> Iterator[Event]:
    """Events in the order they happened."""
    for row in db.execute(f"{EVENT} {where} ORDER BY e.at, e.id", values):
        text, at, recorded_at, speaker, role, channel, meta, session, *scope, _ = row
        yield Event(
            text,
            moment(at),
            speaker=speaker,
            role=role,
            session=session,
            scope=Scope(*scope),
            channel=channel,
            meta=json.loads(meta) if meta else {},
            recorded_at=moment(recorded_at),
        )


def read_records(db: sqlite3.Connection, rows: Sequence[int]) -> dict[int, Record]:
    """The records of these rows, by row. A row that is gone is left out."""
    found: dict[int, Record] = {}
    for marks, some in batches(rows):
        sources: dict[int, list[Source]] = {row: [] for row in some}
        texts: dict[int, str] = {}
        sql = f"""SELECT s.record, e.hash, s.start, s.end, CASE WHEN r.text IS NULL THEN e.text END
                  FROM source s JOIN event e ON e.id = s.event JOIN record r ON r.id = s.record
                  WHERE s.record IN ({marks}) ORDER BY s.record, e.at, e.id, s.start"""
        for row, hash, start, end, text in db.execute(sql, some):
            sources[row].append(Source(hash.hex(), start, end))
            if text is not None:
                texts[row] = text
        links: dict[int, list[Link]] = {row: [] for row in some}
        sql = f"""SELECT l.src, d.hash, n.text, l.weight FROM link l JOIN record d ON d.id = l.dst
                  JOIN name n ON n.id = l.relation WHERE l.src IN ({marks})"""
        for row, hash, relation, weight in db.execute(sql, some):
            links[row].append(Link(hash.hex(), relation, weight))
        for fields in db.execute(f"{RECORD} WHERE r.id IN ({marks})", some):
            row, kind, text, key, start, end, by, strength, reads, last_read, speaker, session, *rest = fields
            *scope, meta, made_by = rest
            if text is None and row not in texts:
                raise Corrupt(f"record {row} has no text and cites none; {DAMAGED}")
            found[row] = Record(
                kind,
                texts[row] if text is None else text,
                moment(start),
                sources=tuple(sources[row]),
                key=key or "",
                speaker=speaker,
                session=session,
                scope=Scope(*scope),
                meta=json.loads(meta) if meta else {},
                valid_to=None if end is None else moment(end),
                superseded_by=by.hex() if by else "",
                strength=strength,
                reads=reads,
                last_read=None if last_read is None else moment(last_read),
                links=tuple(links[row]),
                made_by=made_by,
            )
    return found


def texts_of(db: sqlite3.Connection, rows: Iterable[int]) -> dict[int, str]:
    """The texts of these rows."""
    found: dict[int, str] = {}
    for marks, some in batches(rows):
        texts = db.execute(f"{TEXT} WHERE r.id IN ({marks})", some)
        found.update((row, text) for row, text in texts if text is not None)
    return found


def metas_of(db: sqlite3.Connection, kind: str, since: int) -> list[tuple[int, Scope, Mapping[str, object]]]:
    """Row, scope and meta of every record of a kind after this row."""
    sql = """SELECT r.id, r.meta, s.scope FROM record r JOIN session s ON s.id = r.session
             WHERE r.id > ? AND r.kind = (SELECT id FROM name WHERE what = 'kind' AND text = ?) ORDER BY r.id"""
    found = db.execute(sql, (since, kind)).fetchall()
    scopes = {id: Scope(*whose) for id, *whose in db.execute("SELECT id, user, agent, run, app FROM scope")}
    return [(row, scopes[scope], json.loads(meta) if meta else {}) for row, meta, scope in found]


def read_as_added(db: sqlite3.Connection, rows: Sequence[int]) -> Iterator[Record]:
    """The records of these rows as they were when they came in: every later change taken back, newest first."""
    now = read_records(db, rows)
    before: dict[int, dict[str, Any]] = {row: {} for row in now}
    for marks, some in batches(rows):
        sql = f"SELECT record, change FROM op WHERE record IN ({marks}) AND change IS NOT NULL ORDER BY id DESC"
        for row, change in db.execute(sql, some):
            before[row] |= {column: old for column, (old, _) in json.loads(change).items()}
    for row, record in now.items():
        was = before[row]
        yield replace(
            record,
            valid_to=_moment(was.get("valid_to", record.valid_to)),
            strength=was.get("strength", record.strength),
            reads=was.get("reads", record.reads),
            last_read=_moment(was.get("last_read", record.last_read)),
            superseded_by="",
            links=(),
        )


def _moment(value: datetime | int | None) -> datetime | None:
    return moment(value) if isinstance(value, int) else value


def read_ops(db: sqlite3.Connection, where: str, values: Sequence[object]) -> list[Op]:
    """The log, oldest first."""
    return [
        Op(
            kind,
            hash.hex() if hash else "",
            other=other.hex() if other else "",
            relation=relation or "",
            value=value,
            at=None if at is None else moment(at),
            read=bool(read),
            why=why or "",
            id=id,
            recorded_at=moment(recorded_at),
            made_by=made_by,
            undoes=undoes or 0,
        )
        for id, kind, hash, other, relation, value, at, read, why, undoes, recorded_at, made_by in db.execute(
            f"{OP} WHERE {where} ORDER BY o.id", values
        )
    ]


def known_of(db: sqlite3.Connection, events: Sequence[Event]) -> set[str]:
    """The ids of those of these events that are kept already."""
    found: set[str] = set()
    for start in range(0, len(events), MANY):
        some = [bytes.fromhex(event.id) for event in events[start : start + MANY]]
        sql = f"SELECT hash FROM event WHERE hash IN ({', '.join('?' * len(some))})"
        found.update(hash.hex() for (hash,) in db.execute(sql, some))
    return found


def names_of(db: sqlite3.Connection, what: str) -> list[str]:
    """Every speaker, kind or session there is."""
    sql = "SELECT DISTINCT text FROM session" if what == "session" else "SELECT text FROM name WHERE what = ?"
    return sorted(text for (text,) in db.execute(sql, () if what == "session" else (what,)))


def links_out(db: sqlite3.Connection, rows: Sequence[int], relation: str) -> list[tuple[int, int, str, float]]:
    """Links out of these rows: (from row, to row, relation, weight); of any relation when none is named."""
    found: list[tuple[int, int, str, float]] = []
    for marks, some in batches(rows):
        sql = f"""SELECT l.src, l.dst, n.text, l.weight FROM link l JOIN name n ON n.id = l.relation
                  WHERE l.src IN ({marks}) AND ? IN ('', n.text)"""
        found += db.execute(sql, (*some, relation)).fetchall()
    return found


def row_of(db: sqlite3.Connection, table: str, id: str) -> int:
    """The row of a record or event; an id may be cut short while only one begins so."""
    if not id.strip():
        raise BadInput(f"an id is up to 32 hex digits, got {id!r}")
    try:
        low, high = bytes.fromhex(id.ljust(32, "0")), bytes.fromhex(id.ljust(32, "f"))
    except ValueError:
        raise BadInput(f"an id is up to 32 hex digits, got {id!r}") from None
    found = db.execute(f"SELECT id FROM {table} WHERE hash BETWEEN ? AND ? LIMIT 2", (low, high)).fetchall()
    if not found:
        raise NotFound(f"no {table} {id!r}")
    if len(found) > 1:
        raise NotFound(f"more than one {table} begins with {id!r}; give more digits")
    return int(found[0][0])
