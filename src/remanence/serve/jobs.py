"""Work that takes longer than a request: one thread does it, in order, and says how far it has come."""

import queue
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from remanence.errors import NotFound, RemanenceError, title
from remanence.given import Progress

KEPT = 1000  # jobs that can still be asked about
Work = Callable[[Progress], dict[str, Any]]


@dataclass
class Job:
    """`done` of `total` (None: not known) tell how far it is; `error` says why it failed."""

    kind: str
    tenant: str
    user: str
    work: Work
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: str = "waiting"  # waiting, running, done, failed
    done: int = 0
    total: int | None = None
    result: dict[str, Any] | None = None
    error: str = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    ended: datetime | None = None
    failure: RemanenceError | OSError | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def to_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {"id": self.id, "kind": self.kind, "state": self.state, "done": self.done}
        times = {name: when.isoformat() for name in ("created", "started", "ended") if (when := getattr(self, name))}
        more = {"total": self.total, "result": self.result, "error": self.error}
        more["title"] = title(type(self.failure)) if self.failure else ""
        return said | times | {name: value for name, value in more.items() if value not in (None, "")}


class Stopped(RemanenceError):
    """The server is told to stop while a job runs."""


class Jobs:
    def __init__(self) -> None:
        self.all: dict[str, Job] = {}
        self.queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None
        self.closed = False

    def waiting(self, kind: str, *, tenant: str, user: str) -> Job | None:
        """A job of this kind that has not begun: what it is to do includes what came in since."""
        with self.lock:
            mine = (job for job in self.all.values() if (job.tenant, job.user) == (tenant, user))
            return next((job for job in mine if job.kind == kind and job.state == "waiting"), None)

    def submit(self, kind: str, work: Work, *, tenant: str = "", user: str = "") -> Job:
        job = Job(kind, tenant, user, work)
        with self.lock:
            self.all[job.id] = job
            for old in [job.id for job in self.all.values() if job.over.is_set()][: max(0, len(self.all) - KEPT)]:
                del self.all[old]
            if self.thread is None:
                self.thread = threading.Thread(target=self._run, name="remanence-jobs")
                self.thread.start()
        self.queue.put(job)
        return job

    def get(self, id: str, *, tenant: str, user: str) -> Job:
        job = self.all.get(id)
        if job is None or not _of(job, tenant, user):
            raise NotFound(f"no job {id!r}")
        return job

    def list(self, *, tenant: str, user: str) -> list[Job]:
        """Newest first."""
        with self.lock:
            return [job for job in reversed(self.all.values()) if _of(job, tenant, user)]

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        with self.lock:
            return dict(Counter(job.state for job in self.all.values()))

    def forget(self, tenant: str) -> None:
        """Drop what came of a tenant's jobs: it may quote what was erased."""
        with self.lock:
            for job in self.all.values():
                if job.tenant == tenant:
                    job.result = None

    def close(self) -> None:
        """End the job that runs and give up those that wait: what they were to derive still waits in the file."""
        self.closed = True
        if self.thread is not None:
            self.queue.put(None)
            self.thread.join()

    def _run(self) -> None:
        while (job := self.queue.get()) is not None:
            if self.closed:
                job.failure = Stopped("the server was stopped before this began")
                job.state, job.error = "failed", str(job.failure)
            else:
                self._do(job)
            job.over.set()

    def _progress(self, job: Job) -> Progress:
        def progress(done: int, total: int | None = None) -> None:
            job.done, job.total = done, total
            if self.closed:
                raise Stopped("the server was stopped; what was done is kept, and the rest can be done later")

        return progress

    def _do(self, job: Job) -> None:
        job.state, job.started = "running", datetime.now(UTC)
        try:
            job.result, job.state = job.work(self._progress(job)), "done"
        except (RemanenceError, OSError) as error:
            job.failure, job.state = error, "failed"
            job.error = " ".join([str(error), *getattr(error, "__notes__", [])])
        finally:
            if job.state == "running":  # a mistake of ours: the thread ends with it, and says so
                job.failure = RemanenceError("this should not have happened; the server's log says more")
                job.state, job.error = "failed", str(job.failure)
                job.over.set()
                self.thread = None
            job.ended = datetime.now(UTC)


def _of(job: Job, tenant: str, user: str) -> bool:
    return job.tenant == tenant and user in ("", job.user)
