"""One write: events come in and operations are carried out, inside a transaction that somebody else opens and ends.

Every operation notes what it changed, column by column (before, after): undoing writes the before back.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from remanence.embed.base import Vectors
from remanence.errors import BadInput, NotFound
from remanence.records import Event, Op, Record
from remanence.store.numbers import Numbers, Value
from remanence.store.times import micros, moment


def insert(table: str, columns: int) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"


# min of a number and NULL is NULL: what was derived from once is not pending again
INSERT_EVENT = insert("event", 11) + " ON CONFLICT (hash) DO UPDATE SET pending = min(pending, excluded.pending)"
INSERT_RECORD, INSERT_VECTOR, INSERT_SOURCE = insert("record", 20), insert("vector", 2), insert("source", 4)
INSERT_LINK, INSERT_OP = insert("link", 4), insert("op", 13)
INSERT_WORDS = "INSERT INTO words (rowid, text, tags) VALUES (?, ?, ?)"


class Change:
    """Carries out operations in order. Numbers given to names live as long as the transaction succeeds."""

    def __init__(self, db: sqlite3.Connection, by: str):
        self.db, self.numbers = db, Numbers(db)
        self.now = micros(datetime.now(UTC))
        self.places: dict[int, int] = {}
        self.by, self.made_by = self.numbers.name("made_by", by), by
        self.next_op = self.first_op = self.numbers.next("op")
        self.seen_op = 0  # the last of our operations that one from another store's log was found to be
        self.logged: list[Op] = []
        self.coming: set[str] = set()  # the events of this write
        self.renumbered: dict[int, int] = {}  # numbers that operations had in the store they come from

    # -- events --------------------------------------------------------------------------------------------------

    def keep(self, events: Sequence[Event], *, pending: bool) -> None:
        """Insert the events that are new; note whether records are still to be derived from them."""
        flag = 1 if pending else None
        self.coming.update(event.id for event in events)
        for event in events:
            values = (
                bytes.fromhex(event.id),
                micros(event.at),
                micros(event.recorded_at),
                self.numbers.name("speaker", event.speaker),
                self.numbers.name("role", event.role),
                self.numbers.session(event.scope, event.session),
                self.numbers.name("channel", event.channel),
                flag,
                json.dumps(dict(event.meta), sort_keys=True) if event.meta else None,
                event.text,
            )
            self.db.execute(INSERT_EVENT, (None, *values))

    # -- operations ----------------------------------------------------------------------------------------------

    def carry_out(self, ops: Sequence[Op], vectors: Mapping[str, Vectors]) -> list[Op]:
        """All of them, in order; `vectors` has one for each new record's id."""
        for op in ops:
            if op.id and self._replayed(op):
                continue
            if op.kind == "add":
                self._add(op, vectors)
            elif op.kind == "link":
                self._link(op)
            elif op.kind == "undo":
                self.take_back(self.renumbered.get(op.undoes, op.undoes), op)
            elif op.kind == "erase":
                if not op.id:  # from another store's log it says what is not there
                    raise BadInput("a record is erased with the events it cites: use erase")
            else:
                self._alter(op)
        return self.logged

    def _add(self, op: Op, vectors: Mapping[str, Vectors]) -> None:
        record = op.new
        if record is None:
            raise BadInput(f"an add needs the new record, got none for {op.record}")
        if not record.sources:
            raise BadInput(f"a record cites what it was derived from; this {record.kind!r} cites no event")
        hash = bytes.fromhex(record.id)
        found = self.db.execute("SELECT id, retired, valid_to FROM record WHERE hash = ?", (hash,)).fetchone()
        if found:
            row, retired, valid_to = found
            if retired is not None and self._said_now(
                record
            ):  # said again after it was forgotten or merged: it is back
                back: dict[str, Value] = {"retired": None}
                self._write(op, row, back | ({"superseded_by": None} if valid_to is None else {}))
            return
        sources = [(self.numbers.event(s.event), s.start, s.end) for s in dict.fromkeys(record.sources)]
        session = self.numbers.session(record.scope, record.session)
        values = (
            hash,
            self.numbers.name("kind", record.kind),
            self._own_text(record),
            record.key or None,
            micros(record.valid_from),
            None if record.valid_to is None else micros(record.valid_to),
            None,
            None,
            None if record.valid_to is None else self.next_op,
            record.strength,
            record.reads,
            None if record.last_read is None else micros(record.last_read),
            self.numbers.name("speaker", record.speaker),
            session,
            self._place(session) if record.kind == "turn" else None,
            self.numbers.channel(record.sources[0].event),  # it came by the channel of the first event it cites
            len(record.text),
            json.dumps(dict(record.meta), sort_keys=True) if record.meta else None,
            self.by,
        )
        row = int(self.db.execute(INSERT_RECORD, (None, *values)).lastrowid or 0)
        vector = vectors[record.id].astype(np.float16)
        self.db.execute(INSERT_VECTOR, (row, vector.tobytes()))
        self.db.executemany(INSERT_SOURCE, [(row, *source) for source in sources])
        tags = f"s{self.numbers.scope(record.scope)} k{self.numbers.name('kind', record.kind)}"
        self.db.execute(INSERT_WORDS, (row, record.key or record.text, tags))
        self._log(op, row=row)

    def _alter(self, op: Op) -> None:
        """supersede, merge, expire, strengthen: new values in one row."""
        row = self.numbers.row(op.record)
        when = op.at or op.recorded_at
        at = self.now if when is None else micros(when)
        other = self.numbers.row(op.other) if op.other else None
        if op.kind == "supersede":
            if other is None:
                raise BadInput(f"a supersede of {op.record} needs the record that replaces it")
            self._write(op, row, {"valid_to": at, "superseded_by": other}, other=other)
        elif op.kind == "merge":
            self._write(op, row, {"retired": at, "superseded_by": other}, other=other)
        elif op.kind == "expire":
            ((retired,),) = self.db.execute("SELECT retired FROM record WHERE id = ?", (row,))
            self._write(op, row, {"retired": at} if retired is None else {})
        else:
            self._write(op, row, self._strengthened(op, row, at))

    def _said_now(self, record: Record) -> bool:
        """Whether it cites an event that comes in with it: what was forgotten does not come back by itself."""
        return any(source.event in self.coming for source in record.sources)

    def _strengthened(self, op: Op, row: int, at: int) -> dict[str, Value]:
        changed: dict[str, Value] = {} if op.value is None else {"strength": op.value}
        if op.read:
            ((reads,),) = self.db.execute("SELECT reads FROM record WHERE id = ?", (row,))
            changed |= {"reads": reads + 1, "last_read": at}
        return changed

    def _link(self, op: Op) -> None:
        key = (self.numbers.row(op.record), self.numbers.name("relation", op.relation), self.numbers.row(op.other))
        weight = 1.0 if op.value is None else op.value
        old = self._weight(key)
        if old == weight:
            return
        self._set_link(key, weight)
        self._log(op, row=key[0], other=key[2], change={"weight": [old, weight]})

    def _weight(self, link: tuple[int, int, int]) -> float | None:
        found = self.db.execute("SELECT weight FROM link WHERE (src, relation, dst) = (?, ?, ?)", link).fetchone()
        return found and float(found[0])

    def _set_link(self, key: tuple[int, int, int], weight: float | None) -> None:
        self.db.execute("DELETE FROM link WHERE (src, relation, dst) = (?, ?, ?)", key)
        if weight is not None:
            self.db.execute(INSERT_LINK, (*key, weight))

    def _write(self, op: Op, row: int, after: dict[str, Value], other: int | None = None) -> None:
        """Set columns of a record, log what they were; setting what is there already changes and logs nothing."""
        if not after:
            return
        columns = list(after)
        before = self.db.execute(f"SELECT {', '.join(columns)} FROM record WHERE id = ?", (row,)).fetchone()
        change = {c: [old, new] for c, old, new in zip(columns, before, after.values(), strict=True) if old != new}
        if not change:
            return
        if change.keys() & {"valid_to", "retired"}:
            after = after | {"touched": self.next_op}
        marks = ", ".join(f"{column} = ?" for column in after)
        self.db.execute(f"UPDATE record SET {marks} WHERE id = ?", (*after.values(), row))
        self._log(op, row=row, other=other, change=change)

    def take_back(self, number: int, asked: Op | None = None) -> None:
        """Undo one operation by writing back what was there before it."""
        sql = """SELECT o.record, o.other, o.relation, o.change, r.hash
                 FROM op o LEFT JOIN record r ON r.id = o.record WHERE o.id = ?"""
        found = self.db.execute(sql, (number,)).fetchone()
        if found is None:
            raise NotFound(f"no operation {number}; `history` lists them")
        row, other, relation, change, hash = found
        if hash is None:
            raise BadInput(f"operation {number} cannot be undone: what it changed was erased")
        op = replace(asked or Op("undo", hash.hex()), record=hash.hex(), undoes=number)
        steps = json.loads(change) if change else {"retired": [self.now, None]}  # what came in is forgotten
        if relation is not None:
            link, (before, after) = (row, relation, other), steps["weight"]
            _unchanged(number, "weight", self._weight(link), after)
            self._set_link(link, before)
            op = replace(op, relation=self.numbers.text(relation))
            self._log(op, row=row, other=other, change={"weight": [after, before]})
            return
        for column, (_, after) in steps.items():
            ((held,),) = self.db.execute(f"SELECT {column} FROM record WHERE id = ?", (row,))
            _unchanged(number, column, held, after)
        self._write(op, row, {column: before for column, (before, _) in steps.items()}, other=other)

    def note_erasure(self, events: int) -> None:
        """All that is kept of an erasure: that it was, and of how many events."""
        self._log(Op("erase", "", value=events))

    def _log(
        self, op: Op, *, row: int | None = None, other: int | None = None, change: dict[str, Any] | None = None
    ) -> None:
        self.db.execute(
            INSERT_OP,
            (
                self.next_op,
                self.numbers.name("op", op.kind),
                row,
                other,
                self.numbers.name("relation", op.relation) if op.relation else None,
                op.value,
                None if op.at is None else micros(op.at),
                1 if op.read else None,
                op.why or None,
                json.dumps(change) if change else None,
                op.undoes or None,
                micros(op.recorded_at) if op.recorded_at else self.now,
                self.numbers.name("made_by", op.made_by) if op.made_by else self.by,
            ),
        )
        self.renumbered[op.id] = self.next_op
        kept = replace(op, id=self.next_op, recorded_at=op.recorded_at or moment(self.now))
        self.logged.append(replace(kept, made_by=op.made_by or self.made_by))
        self.next_op += 1

    def _replayed(self, op: Op) -> bool:
        """Whether an operation from another store's log was carried out here before."""
        if op.recorded_at is None:
            return False
        sql = """SELECT o.id FROM op o JOIN record r ON r.id = o.record
                 WHERE r.hash = ? AND o.recorded_at = ? AND o.kind = ? AND o.id > ? AND o.id < ?
                 ORDER BY o.id LIMIT 1"""
        values = (bytes.fromhex(op.record), micros(op.recorded_at), self.numbers.name("op", op.kind))
        found = self.db.execute(sql, (*values, self.seen_op, self.first_op)).fetchone()
        if found:
            self.renumbered[op.id] = self.seen_op = int(found[0])
        return found is not None

    def _own_text(self, record: Record) -> str | None:
        """None when the text is exactly the whole text of the one event cited."""
        if len(record.sources) != 1 or record.key:
            return record.text
        (source,) = record.sources
        if (source.start, source.end) != (0, len(record.text)):  # a piece of a long text: spare reading all of it
            return record.text
        ((text,),) = self.db.execute("SELECT text FROM event WHERE id = ?", (self.numbers.event(source.event),))
        return None if text == record.text else record.text

    def _place(self, session: int) -> int:
        """The next free place in the session: session * 2**32 + position."""
        if session not in self.places:
            ((turns,),) = self.db.execute("SELECT turns FROM session WHERE id = ?", (session,))
            self.places[session] = turns
        self.places[session] += 1
        return session << 32 | self.places[session]

    def finish(self) -> None:
        """Write down what was only counted."""
        self.db.executemany("UPDATE session SET turns = ? WHERE id = ?", [(n, id) for id, n in self.places.items()])


def _unchanged(number: int, column: str, held: Value, after: Value) -> None:
    if held != after:
        raise BadInput(f"operation {number} cannot be undone: {column} was changed again later; undo that first")
