"""A POST that says the same Idempotency-Key twice is done once; the second is told what the first was.

Source:  draft-ietf-httpapi-idempotency-key-header: another body under the same key is 422, one still at work is 409.
Differs: an import is not remembered (it may be repeated anyway, and its body goes to a file), a new key neither (it
         is shown once), nor an answer that says to try again (409, 429, 5xx).
"""

import hashlib
import json
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remanence.serve.problem import Problem

KEPT_S = 24 * 3600.0
LONGEST = 255  # characters of a key
SWEPT_S = 600.0  # how often old answers are thrown away
PASSING = ("/v1/import", "/v1/keys")
TABLE = """
    CREATE TABLE IF NOT EXISTS answer (
        who TEXT, key TEXT, request TEXT NOT NULL, at REAL NOT NULL, status INTEGER, headers TEXT, body BLOB,
        PRIMARY KEY (who, key)) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Answers:
    """What was answered to whom, for a day, in a file beside the memory. It is made when it is first needed."""

    def __init__(self, path: Path):
        self.path, self.lock, self.swept = path, threading.Lock(), 0.0
        self.db: sqlite3.Connection | None = None

    def begin(self, who: str, key: str, request: str) -> Answer | None:
        """Note that a request is being worked on; or what was answered to it before."""
        with self.lock:
            db, now = self._open(), time.time()
            if now - self.swept > SWEPT_S:
                self.swept = now
                db.execute("DELETE FROM answer WHERE at < ?", (now - KEPT_S,))
            sql = "SELECT request, at, status, headers, body FROM answer WHERE who = ? AND key = ?"
            found = db.execute(sql, (who, key)).fetchone()
            if found is None or found[1] < now - KEPT_S:
                db.execute("REPLACE INTO answer (who, key, request, at) VALUES (?, ?, ?, ?)", (who, key, request, now))
                return None
        said, _, status, headers, body = found
        if said != request:
            raise Problem(422, "another request", f"the Idempotency-Key {key!r} was used for another request")
        if status is None:
            raise Problem(409, "in progress", "the same request is being worked on", {"Retry-After": "1"})
        return Answer(status, [tuple(pair) for pair in json.loads(headers)], body)

    def end(self, who: str, key: str, answer: Answer | None) -> None:
        """Keep the answer; None forgets the request, so that it can be tried again."""
        with self.lock:
            db = self._open()
            if answer is None:
                db.execute("DELETE FROM answer WHERE who = ? AND key = ?", (who, key))
                return
            sql = "UPDATE answer SET status = ?, headers = ?, body = ? WHERE who = ? AND key = ?"
            db.execute(sql, (answer.status, json.dumps(answer.headers), answer.body, who, key))

    def forget(self, who: str = "") -> None:
        """Throw away what was answered: to one tenant's requests after an erasure, they may hold what was erased."""
        if self.db is None and not self.path.exists():
            return
        with self.lock:
            db = self._open()
            db.execute("DELETE FROM answer WHERE status IS NOT NULL AND substr(who, 1, ?) = ?", (len(who), who))
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        with self.lock:
            if self.db is not None:
                self.db.close()
                self.db = None

    def _open(self) -> sqlite3.Connection:
        if self.db is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            self.db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self.db.execute("PRAGMA secure_delete = ON")
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute(TABLE)
            self.db.execute("DELETE FROM answer WHERE status IS NULL")  # who worked on these is gone
        return self.db


class Idempotency:
    """The layer that repeats answers."""

    def __init__(self, app: ASGIApp, answers: Answers):
        self.app, self.answers = app, answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get("idempotency-key", "") if scope["type"] == "http" else ""
        access = scope.get("state", {}).get("access")
        if not key or access is None or scope["method"] != "POST" or scope["path"].startswith(PASSING):
            await self.app(scope, receive, send)
            return
        if len(key) > LONGEST:
            raise Problem(422, "not understood", f"an Idempotency-Key has at most {LONGEST} characters")
        body, complete = await _read(receive)
        if not complete:
            return
        who = f"{access.tenant}/{access.key}"
        asked = f"{scope['path']}?{scope['query_string'].decode('latin-1')}".encode() + b"\n" + body
        before = await run_in_threadpool(self.answers.begin, who, key, hashlib.sha256(asked).hexdigest())
        if before is not None:
            await _send(before, send)
            return
        kept: Answer | None = None
        try:
            kept = await self._work(scope, body, receive, send)
        finally:
            await run_in_threadpool(self.answers.end, who, key, kept)

    async def _work(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> Answer | None:
        status, headers, parts, given = 0, list[tuple[str, str]](), list[bytes](), False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def noted(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
            else:
                parts.append(message.get("body", b""))
            await send(message)

        await self.app(scope, again, noted)
        return Answer(status, headers, b"".join(parts)) if 200 <= status < 500 and status not in (409, 429) else None


async def _read(receive: Receive) -> tuple[bytes, bool]:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"", False
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts), True


async def _send(answer: Answer, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"idempotency-replayed", b"true"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
