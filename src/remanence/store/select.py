"""Which rows a filter lets through, from the columns and a small map of what no longer holds."""

import json
import sqlite3
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remanence.errors import BadInput
from remanence.records import Filter, Scope
from remanence.store.columns import ColumnFile
from remanence.store.times import micros

FAR = np.iinfo(np.int64).max


class Closed:
    """The rows that stopped holding (at `until`) or were retired (until = the beginning of time)."""

    def __init__(self) -> None:
        self.seen = 0  # the last operation taken in
        self.rows = self.until = np.empty(0, dtype=np.int64)
        self.positions, self.held = np.empty(0, dtype=np.intp), 0  # of these rows among so many in the columns

    def catch_up(self, db: sqlite3.Connection) -> None:
        """Take in what changed since the last call."""
        changed = db.execute(
            "SELECT id, valid_to, retired, touched FROM record WHERE touched > ?", (self.seen,)
        ).fetchall()
        if changed:
            until = {
                row: -FAR if retired is not None else FAR if valid_to is None else valid_to
                for row, valid_to, retired, _ in changed
            }
            self.seen = max(touched for *_, touched in changed)
            same = ~np.isin(self.rows, list(until))
            ended = [(row, end) for row, end in until.items() if end != FAR]
            new = np.array(ended, dtype=np.int64).reshape(-1, 2)
            rows = np.concatenate([self.rows[same], new[:, 0]])
            order = np.argsort(rows, kind="stable")  # two sorted runs: one pass
            self.rows, self.until = rows[order], np.concatenate([self.until[same], new[:, 1]])[order]
            self.held = 0

    def gone(self, columns: ColumnFile, moment: int) -> NDArray[np.intp]:
        """Where the rows stand that no longer hold at this moment (microseconds). Looked up once a change."""
        if self.held != len(columns):
            self.positions, self.held = columns.positions(self.rows), len(columns)
        return self.positions[(self.until <= moment) & (self.positions >= 0)]

    def hides(self, rows: NDArray[np.int64], moment: int) -> NDArray[np.bool_]:
        """Which of these rows no longer hold at this moment (microseconds)."""
        if not len(self.rows):
            return np.zeros(len(rows), dtype=bool)
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        hidden: NDArray[np.bool_] = (self.rows[at] == rows) & (self.until[at] <= moment)
        return hidden


def scopes(db: sqlite3.Connection, allowed: Filter) -> list[int] | None:
    """The numbers of the scopes a filter allows; None when it allows all."""
    said = [(name, getattr(allowed, name)) for name in Scope.__dataclass_fields__ if getattr(allowed, name)]
    if allowed.scope is not None:
        said += asdict(allowed.scope).items()
    if not said:
        return None
    where = " AND ".join(f"{name} = ?" for name, _ in said)
    return [id for (id,) in db.execute(f"SELECT id FROM scope WHERE {where}", [value for _, value in said])]


def numbers(db: sqlite3.Connection, what: str, texts: tuple[str, ...]) -> list[int]:
    """The numbers of some names; a name that was never seen has none."""
    marks = ", ".join("?" * len(texts))
    return [id for (id,) in db.execute(f"SELECT id FROM name WHERE what = ? AND text IN ({marks})", (what, *texts))]


def sessions(db: sqlite3.Connection, texts: tuple[str, ...]) -> list[int]:
    """The numbers of the sessions of these names, of whatever scope."""
    marks = ", ".join("?" * len(texts))
    return [id for (id,) in db.execute(f"SELECT id FROM session WHERE text IN ({marks})", texts)]


class Selector:
    """A filter made ready to be asked about rows. Good for one query."""

    def __init__(self, db: sqlite3.Connection, columns: ColumnFile, closed: Closed, allowed: Filter):
        self.db, self.columns, self.closed, self.filter = db, columns, closed, allowed
        self.scopes = scopes(db, allowed)
        self.kinds = numbers(db, "kind", allowed.kinds) if allowed.kinds else None
        self.moment = micros(allowed.as_of or datetime.now(UTC))
        self.tests: list[tuple[str, Any]] = [
            ("scope", self.scopes),
            ("kind", self.kinds),
            ("speaker", numbers(db, "speaker", allowed.speakers) if allowed.speakers else None),
            ("channel", numbers(db, "channel", allowed.channels) if allowed.channels else None),
        ]
        self.tests = [(name, found) for name, found in self.tests if found is not None]
        self.session_numbers = sessions(db, allowed.sessions) if allowed.sessions else None
        self.meta_rows = self._meta_rows() if allowed.meta else None
        self.cited_rows = self._cited_rows() if allowed.events else None

    @property
    def beyond_tags(self) -> bool:
        """Whether something is asked that the word index does not know (it knows scopes and kinds)."""
        return bool(
            self.filter.between
            or self.filter.as_of
            or self.session_numbers is not None
            or self.meta_rows is not None
            or self.cited_rows is not None
            or any(name in ("speaker", "channel") for name, _ in self.tests)
        )

    @property
    def open(self) -> bool:
        """Whether everything that holds now is allowed."""
        return not self.tests and not self.beyond_tags

    def allows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these rows are held and allowed."""
        positions = self.columns.positions(rows)
        keep = positions >= 0
        keep[keep] = self.mask(positions[keep])
        return keep

    def mask(self, positions: NDArray[np.intp] | None = None) -> NDArray[np.bool_]:
        """Which rows at these positions (or all rows) are allowed."""

        def column(name: str) -> NDArray[Any]:
            return self.columns.column(name) if positions is None else self.columns.take(name, positions)

        if positions is None:
            keep = np.ones(len(self.columns), dtype=bool)
            keep[self.closed.gone(self.columns, self.moment)] = False
        else:
            keep = ~self.closed.hides(column("row"), self.moment)
        for name, numbers_ in self.tests:
            values = column(name)
            keep &= values == numbers_[0] if len(numbers_) == 1 else np.isin(values, numbers_)
        if self.filter.as_of is not None:
            keep &= column("at") <= self.moment
        if self.filter.between is not None:
            start, end = map(micros, self.filter.between)
            at = column("at")
            keep &= (at >= start) & (at < end)
        if self.session_numbers is not None:
            keep &= np.isin(column("session"), self.session_numbers)
        if self.meta_rows is not None:
            keep &= np.isin(column("row"), self.meta_rows)
        if self.cited_rows is not None:
            keep &= np.isin(column("row"), self.cited_rows)
        return keep

    def _meta_rows(self) -> NDArray[np.int64]:
        """The rows whose own meta, or that of an event they cite, has all these entries. Reads every row with meta."""
        said = dict(self.filter.meta)
        sql = """SELECT id, meta FROM record WHERE meta IS NOT NULL UNION ALL
                 SELECT s.record, e.meta FROM event e JOIN source s ON s.event = e.id WHERE e.meta IS NOT NULL"""
        rows = {row for row, meta in self.db.execute(sql) if said.items() <= json.loads(meta).items()}
        return np.array(sorted(rows), dtype=np.int64)

    def _cited_rows(self) -> NDArray[np.int64]:
        """The rows that cite one of these events."""
        sql = "SELECT DISTINCT record FROM source WHERE event IN (SELECT value FROM json_each(?))"
        rows = self.db.execute(sql, (json.dumps(event_numbers(self.db, self.filter.events)),))
        return np.array([row for (row,) in rows], dtype=np.int64)


def event_numbers(db: sqlite3.Connection, ids: tuple[str, ...]) -> list[int]:
    """The numbers of the events with these whole ids; one that is not kept has none."""
    try:
        hashes = [bytes.fromhex(id) for id in ids]
    except ValueError:
        raise BadInput(f"events are named by their ids, 32 hex digits each, got {ids!r}") from None
    found: list[int] = []
    for start in range(0, len(hashes), 500):
        some = hashes[start : start + 500]
        sql = f"SELECT id FROM event WHERE hash IN ({', '.join('?' * len(some))})"
        found += (id for (id,) in db.execute(sql, some))
    return found


def event_rows(db: sqlite3.Connection, allowed: Filter, *, pending: bool = False) -> list[int]:
    """The events a filter allows, in the order they happened. Kinds are of records: a filter by kind finds none."""
    if allowed.kinds:
        return []
    tests, values = ["e.pending IS NOT NULL"] if pending else ["1"], list[object]()
    for column, found in (
        ("s.scope", scopes(db, allowed)),
        ("e.speaker", numbers(db, "speaker", allowed.speakers) if allowed.speakers else None),
        ("e.channel", numbers(db, "channel", allowed.channels) if allowed.channels else None),
        ("e.session", sessions(db, allowed.sessions) if allowed.sessions else None),
        ("e.id", event_numbers(db, allowed.events) if allowed.events else None),
    ):
        if found is not None:
            tests.append(f"{column} IN (SELECT value FROM json_each(?))")  # they may be more than marks are allowed
            values.append(json.dumps(found))
    if allowed.between:
        tests.append("e.at >= ? AND e.at < ?")
        values += map(micros, allowed.between)
    if allowed.as_of:
        tests.append("e.at <= ?")
        values.append(micros(allowed.as_of))
    sql = f"""SELECT e.id, e.meta FROM event e JOIN session s ON s.id = e.session
              WHERE {" AND ".join(tests)} ORDER BY e.at, e.id"""
    said = dict(allowed.meta).items()
    return [row for row, meta in db.execute(sql, values) if not said or said <= json.loads(meta or "{}").items()]
