"""Keys: who may ask a server, and for what. Only hashes are kept.

A key is `rem_` and 43 random characters (256 bits), so one round of SHA-256 is enough: there is nothing to guess.
"""

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from pathlib import Path
from typing import Any, Literal, get_args

from remanence.errors import BadInput, NotFound, one_of
from remanence.serve.tenants import checked

Right = Literal["read", "write", "admin"]
RIGHTS: tuple[Right, ...] = get_args(Right)  # each allows what stands before it
SHOWN = 12  # characters of a key that may be seen again
GRACE = timedelta(days=1)  # how long the old secret is good after a rotation
NOTED = timedelta(minutes=1)  # the last use is noted no more often
TABLE = """
    CREATE TABLE IF NOT EXISTS key (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, prefix TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, right TEXT NOT NULL,
        tenant TEXT NOT NULL, user TEXT NOT NULL, created TEXT NOT NULL, used TEXT, expires TEXT, revoked TEXT,
        old TEXT, old_until TEXT)
"""
COLUMNS = "id, name, prefix, right, tenant, user, created, used, expires, revoked"


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret. `user` "" may see everybody's; times are ISO 8601, UTC, "" for never."""

    id: str
    name: str
    prefix: str
    right: Right
    tenant: str = ""
    user: str = ""
    created: str = ""
    used: str = ""
    expires: str = ""
    revoked: str = ""

    @property
    def good(self) -> bool:
        return not self.revoked and (not self.expires or self.expires > _now())


class Keys:
    """A small SQLite file beside the memory, made with the first key. Several processes may use it at once."""

    def __init__(self, path: Path):
        self.path, self.lock = path, threading.Lock()
        self.db: sqlite3.Connection | None = None

    @classmethod
    def beside(cls, memory: Path) -> "Keys":
        return cls(memory.with_name(f"{memory.stem}.keys.db"))

    def make(
        self, name: str, right: str = "read", *, tenant: str = "", user: str = "", days: float | None = None
    ) -> tuple[Key, str]:
        """A new key and its secret, which cannot be had again."""
        if right not in RIGHTS:
            raise BadInput(one_of("right", right, RIGHTS))
        if right == "admin" and user:
            raise BadInput("an admin key is for everything; one that is bound to a user may read or write")
        if not name.strip():
            raise BadInput("a key needs a name, to know it by when it is to be revoked")
        if days is not None and not 0 < days <= 36_500:
            raise BadInput(f"a key expires after some days, at most 36,500, got {days}")
        secret, expires = _secret(), _now(timedelta(days=days)) if days is not None else ""
        key = Key(secrets.token_hex(4), name, secret[:SHOWN], right, checked(tenant) if tenant else "", user, _now())
        with self._open() as db:
            sql = f"INSERT INTO key ({COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, NULL, ?)"
            said = (key.id, name, key.prefix, right, key.tenant, user, key.created, expires or None, _hash(secret))
            db.execute(sql, said)
        return self.get(key.id), secret

    def rotate(self, id: str) -> tuple[Key, str]:
        """A new secret for a key; the old one is good for a day more."""
        key, secret = self.get(id), _secret()
        if not key.good:
            raise BadInput(f"key {id} was revoked or has expired; make a new one")
        with self._open() as db:
            sql = "UPDATE key SET old = hash, old_until = ?, hash = ?, prefix = ? WHERE id = ?"
            db.execute(sql, (_now(GRACE), _hash(secret), secret[:SHOWN], id))
        return self.get(id), secret

    def revoke(self, id: str) -> Key:
        """Make a key worthless at once."""
        self.get(id)
        with self._open() as db:
            db.execute("UPDATE key SET revoked = coalesce(revoked, ?) WHERE id = ?", (_now(), id))
        return self.get(id)

    def find(self, secret: str) -> Key | None:
        """The key with this secret, if it is good now."""
        if not self.there:
            return None
        hashed = _hash(secret)
        with self._open() as db:
            sql = f"SELECT {COLUMNS}, hash, old, old_until FROM key WHERE hash = ? OR old = ?"
            row = db.execute(sql, (hashed, hashed)).fetchone()
            if row is None:
                return None
            *said, new, old, until = row
            same = compare_digest(new, hashed) or (compare_digest(old or "", hashed) and (until or "") > _now())
            key = _key(said)
            if not (same and key.good):
                return None
            if not key.used or key.used < _now(-NOTED):
                db.execute("UPDATE key SET used = ? WHERE id = ?", (_now(), key.id))
        return key

    def get(self, id: str) -> Key:
        found = [key for key in self.list() if key.id == id]
        if not found:
            raise NotFound(f"no key {id!r}")
        return found[0]

    def list(self) -> list[Key]:
        """Every key there ever was, oldest first."""
        if not self.there:
            return []
        with self._open() as db:
            return [_key(row) for row in db.execute(f"SELECT {COLUMNS} FROM key ORDER BY created, id")]

    def any(self) -> bool:
        """Whether there was ever a key: from then on one is needed."""
        return bool(self.list())

    @property
    def there(self) -> bool:
        """Whether there is a file of keys: reading makes none."""
        return self.db is not None or self.path.exists()

    def close(self) -> None:
        with self.lock:
            if self.db is not None:
                self.db.close()
                self.db = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self.lock:
            if self.db is None:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.path.touch(mode=0o600)
                self.db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
                self.db.execute("PRAGMA journal_mode = WAL")
                self.db.execute(TABLE)
            yield self.db


def _key(row: Any) -> Key:
    said: list[Any] = [value or "" for value in row]
    return Key(*said)


def _secret() -> str:
    return f"rem_{secrets.token_urlsafe(32)}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now(later: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + later).isoformat(timespec="microseconds")
