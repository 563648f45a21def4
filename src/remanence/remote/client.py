"""A memory that a server holds: `remanence.open("http://127.0.0.1:8765", key="rem_...")`.

Idea:    each verb is one request of the HTTP API; what it gives is made of the same frozen values as on this machine.
Differs: a filter takes user, agent, run and app, not a whole `scope`; a search gives at most 1,000 hits; long work is
         asked about until it is done.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, cast

from remanence.errors import BadInput, LMError, ReadOnly
from remanence.formats.base import Item
from remanence.formats.parts.as_json import event_to_json, from_json, op_from_json, record_from_json
from remanence.formats.parts.detect import detect
from remanence.given import Added, Progress, Reply
from remanence.memory import Memory
from remanence.plain import filter_of, in_scope, scope_of
from remanence.records import Event, Filter, Hit, Op, Record, utc
from remanence.registry import build
from remanence.remote.wire import Wire, failure
from remanence.text.parts.render import Context

BATCH = 500  # events in a request, and items in a page
OURS = ("type", "id", "recorded_at")  # of an event's JSON: what the server says of it, not we
ASKED_S = 0.05, 1.0  # how often a job is asked about: at first, and at most


class Remote(Memory):
    """Safe to use from several threads. `seen_at` makes it a view of the past."""

    def __init__(self, wire: Wire, seen_at: datetime | None = None):
        self.wire, self._seen_at = wire, seen_at

    @property
    def name(self) -> str:  # type: ignore[override]  # the server knows
        return str(self.status()["method"])

    # -- writing -------------------------------------------------------------------------------------------------

    def add_many(self, events: Iterable[Event], *, derive: bool = True, progress: Progress | None = None) -> Added:
        new = known = 0
        problem = ""
        coming = iter(events)
        while batch := list(islice(coming, BATCH)):
            said = [{k: v for k, v in event_to_json(event).items() if k not in OURS} for event in batch]
            path = f"/v1/memories?wait={str(derive).lower()}"
            kept = self._write("POST", path, {"memories": said}, twice=True)
            new, known = new + kept["new"], known + kept["known"]
            problem = problem or kept.get("problem", "")
            if progress:
                progress(new + known, None)
        if problem:
            raise LMError(problem)
        return Added(new, known)

    def edit(self, record: str, text: str, *, at: datetime | str | None = None) -> Record:
        since = {"at": utc(at).isoformat()} if at is not None else {}
        return record_from_json(self._write("PATCH", f"/v1/memories/{record}", {"text": text, **since}))

    def pin(self, record: str) -> Op:
        self._write("PATCH", f"/v1/memories/{record}", {"pinned": True}, twice=True)
        return next(op for op in reversed(self.history(record)) if op.kind == "strengthen")

    def derive(self, *, progress: Progress | None = None) -> int:
        return int(self._job("/v1/derive", {}, progress)["events"])

    def consolidate(self, *, now: datetime | str | None = None, dry_run: bool = False) -> list[Op]:
        done = self._job("/v1/consolidate", {"dry_run": dry_run} | _now(now), None)
        return [op_from_json(op) for op in done["ops"]]

    def forget(self, record: str = "", *, now: datetime | str | None = None, dry_run: bool = False) -> list[Op]:
        if not record:
            said = self._write("POST", "/v1/forget", {"dry_run": dry_run} | _now(now), twice=True)
            return [op_from_json(op) for op in said["ops"]]
        if dry_run:
            self._writable()
            return [Op("expire", self.get(record).id, why="asked for")]
        number = self._write("DELETE", f"/v1/memories/{record}", twice=True)["operation"]
        return [op for op in self.history(record) if op.id == number]

    def undo(self, op: int) -> Op:
        return op_from_json(self._write("POST", "/v1/undo", {"operation": op}))

    def rebuild(self, method: str | None = None, *, progress: Progress | None = None, **settings: Any) -> int:
        if settings:
            raise BadInput(f"a server rebuilds with a method's own settings; {', '.join(settings)} cannot be sent")
        return int(self._job("/v1/rebuild", {"method": method} if method else {}, progress)["events"])

    def erase(
        self,
        *,
        everything: bool = False,
        dry_run: bool = False,
        progress: Callable[[str], None] | None = None,
        **which: Any,
    ) -> int:
        asked = self._said(which) | {"everything": everything, "dry_run": dry_run}
        return int(self._write("POST", "/v1/erase", asked, twice=True)["events"])

    # -- reading -------------------------------------------------------------------------------------------------

    def search(self, question: str, k: int = 10, *, now: datetime | str | None = None, **which: Any) -> list[Hit]:
        return _hits(self._asked("/v1/search", {"question": question, "k": k}, now, which))

    def context(self, question: str, tokens: int = 800, *, now: datetime | str | None = None, **which: Any) -> Context:
        made = self._asked("/v1/context", {"question": question, "tokens": tokens}, now, which)
        return Context(made["text"], tuple(_hits(made)), made["tokens"])

    def ask(self, question: str, k: int = 20, *, now: datetime | str | None = None, **which: Any) -> Reply:
        made = self._asked("/v1/ask", {"question": question, "k": k}, now, which)
        return Reply(made["text"], tuple(_hits(made)), made["by"])

    def get(self, id: str) -> Record | Event:
        return cast("Record | Event", from_json(self.wire.ask("GET", f"/v1/memories/{id}")))

    def events(self, **which: Any) -> Iterator[Event]:
        return cast("Iterator[Event]", self._pages("/v1/events", which))

    def records(self, **which: Any) -> Iterator[Record]:
        return cast("Iterator[Record]", self._pages("/v1/memories", which))

    def history(self, record: str = "") -> list[Op]:
        path = f"/v1/memories/{record}/history" if record else "/v1/history"
        return [op_from_json(op) for op in self.wire.ask("GET", path)["ops"]]

    def as_of(self, when: datetime | str) -> Memory:
        return Remote(self.wire, seen_at=utc(when))

    def status(self) -> dict[str, int | str]:
        return self.wire.ask("GET", "/v1/status")

    # -- moving --------------------------------------------------------------------------------------------------

    def export(self, path: str | Path, *, format: str = "jsonl", **which: Any) -> int:
        writer, read = build("formats", format), build("formats", "jsonl")
        with tempfile.TemporaryDirectory(prefix="remanence-") as folder:
            lines = Path(folder) / "export.jsonl"
            with self.wire.fetched("/v1/export", lines, params=_query(self._said(which))):
                return int(writer.write(Path(path), read.read_all(lines, _refuse)))

    def import_(
        self, path: str | Path, *, format: str | None = None, progress: Progress | None = None, **about: Any
    ) -> Added:
        source, scope = Path(path), scope_of(**about)
        name = format or detect(source)
        reader = build("formats", name)
        problems: list[object] = []
        if not reader.complete(source):
            events = reader.read(source, problems.append, progress)
            return replace(self.add_many(in_scope(events, scope)), problems=tuple(problems))
        asked = {"format": name} | {key: said for key, said in asdict(scope).items() if said}
        with source.open("rb") as body:  # a whole log is taken in by the server
            done = self._followed(self._write("POST", "/v1/import", params=asked, content=body), progress)
        return Added(done["new"], done["known"], tuple(done["problems"]))

    def close(self) -> None:
        if self._seen_at is None:
            self.wire.close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _writable(self) -> None:
        if self._seen_at is not None:
            raise ReadOnly(f"this is the memory as of {self._seen_at:%Y-%m-%d}: it can be read, not changed")

    def _write(self, method: str, path: str, body: Any = None, *, twice: bool = False, **what: Any) -> dict[str, Any]:
        self._writable()
        return self.wire.ask(method, path, twice=twice, **what, **({} if body is None else {"json": body}))

    def _asked(self, path: str, asked: dict[str, Any], now: datetime | str | None, which: dict[str, Any]) -> Any:
        return self.wire.ask("POST", path, twice=True, json=asked | _now(now or self._seen_at) | self._said(which))

    def _job(self, path: str, body: dict[str, Any], progress: Progress | None) -> Any:
        return self._followed(self._write("POST", path, body), progress)

    def _followed(self, job: dict[str, Any], progress: Progress | None) -> Any:
        """What came of a job, when it is done."""
        wait, longest = ASKED_S
        while job["state"] in ("waiting", "running"):
            time.sleep(wait)
            wait = min(wait * 1.5, longest)
            job = self.wire.ask("GET", f"/v1/jobs/{job['id']}")
            if progress and job["done"]:
                progress(job["done"], job.get("total"))
        if job["state"] == "failed":
            raise failure(job.get("title", ""), job["error"])
        return job["result"]

    def _pages(self, path: str, which: dict[str, Any]) -> Iterator[Item]:
        asked = _query(self._said(which)) | {"limit": BATCH}
        while True:
            page = self.wire.ask("GET", path, params=asked)
            yield from map(from_json, page["data"])
            if not page["has_more"]:
                return
            asked["cursor"] = page["next_cursor"]

    def _said(self, which: dict[str, Any]) -> dict[str, Any]:
        """A filter as JSON, only what it says."""
        allowed = filter_of(**({"as_of": self._seen_at} if self._seen_at else {}) | which)
        if allowed.scope is not None:
            raise BadInput("a server is asked by user, agent, run and app, not by a whole scope")
        said = {field.name: getattr(allowed, field.name) for field in fields(Filter)}
        if allowed.between:
            said["between"] = [when.isoformat() for when in allowed.between]
        if allowed.as_of:
            said["as_of"] = allowed.as_of.isoformat()
        return {name: value for name, value in said.items() if value}


def _hits(made: dict[str, Any]) -> list[Hit]:
    return [Hit(record_from_json(hit), hit["score"], hit["why"]) for hit in made["hits"]]


def _query(said: dict[str, Any]) -> dict[str, Any]:
    """The same for an address: meta is JSON there."""
    return said | ({"meta": json.dumps(said["meta"])} if "meta" in said else {})


def _now(now: datetime | str | None) -> dict[str, str]:
    return {} if now is None else {"now": utc(now).isoformat()}


def _refuse(problem: object) -> None:
    raise BadInput(f"the export did not arrive whole: {problem}")
