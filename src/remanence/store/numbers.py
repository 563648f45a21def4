"""The numbers that stand for names, scopes, sessions, events and records inside one transaction.

What is new gets a number. They are remembered for the transaction only: were it to fail, they would stand for nothing.
"""

import sqlite3

from remanence.errors import NotFound
from remanence.records import Scope

Value = int | float | str | None


class Numbers:
    def __init__(self, db: sqlite3.Connection):
        self.db = db
        self.cache: dict[tuple[str, ...], int] = {}
        self.cited: dict[str, tuple[int, int]] = {}

    def name(self, what: str, text: str) -> int:
        return self._number((what, text), "name", ("what", "text"))

    def scope(self, scope: Scope) -> int:
        key = ("scope", scope.user, scope.agent, scope.run, scope.app)
        return self._number(key, "scope", ("user", "agent", "run", "app"), key[1:])

    def session(self, scope: Scope, text: str) -> int:
        number = self.scope(scope)
        return self._number(("session", str(number), text), "session", ("scope", "text"), (number, text))

    def row(self, record: str) -> int:
        found = self.db.execute("SELECT id FROM record WHERE hash = ?", (bytes.fromhex(record),)).fetchone()
        if found is None:
            raise NotFound(f"no record {record}")
        return int(found[0])

    def event(self, id: str) -> int:
        return self._cited(id)[0]

    def channel(self, event: str) -> int:
        return self._cited(event)[1]

    def next(self, table: str) -> int:
        found = self.db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return 1 + (int(found[0]) if found else 0)

    def text(self, number: int) -> str:
        ((text,),) = self.db.execute("SELECT text FROM name WHERE id = ?", (number,))
        return str(text)

    def _cited(self, id: str) -> tuple[int, int]:
        if id not in self.cited:
            found = self.db.execute("SELECT id, channel FROM event WHERE hash = ?", (bytes.fromhex(id),)).fetchone()
            if found is None:
                raise NotFound(f"a record cites event {id}, which is not kept")
            self.cited[id] = found
        return self.cited[id]

    def _number(
        self, key: tuple[str, ...], table: str, columns: tuple[str, ...], values: tuple[Value, ...] | None = None
    ) -> int:
        if key not in self.cache:
            values = key if values is None else values
            where = " AND ".join(f"{column} = ?" for column in columns)
            found = self.db.execute(f"SELECT id FROM {table} WHERE {where}", values).fetchone()
            if found is None:
                marks = ", ".join("?" * len(columns))
                sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
                found = (self.db.execute(sql, values).lastrowid,)
            self.cache[key] = int(found[0] or 0)
        return self.cache[key]
