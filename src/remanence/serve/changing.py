"""What several routes do to a whole memory."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from remanence.serve.access import Access
from remanence.serve.answer import answer
from remanence.serve.jobs import Stopped, Work
from remanence.serve.problem import Problem
from remanence.serve.serving import Serving


def started(request: Request, access: Access, kind: str, work: Work, wait: bool) -> Response:
    """Submit a job and answer with it: 202 and how it stands, or, when it is waited for, what came of it."""
    job = request.app.state.serving.jobs.submit(kind, work, tenant=access.tenant, user=access.user)
    if not wait:
        return answer(job.to_json(), 202, {"Location": f"/v1/jobs/{job.id}"})
    job.over.wait()
    if isinstance(job.failure, Stopped):
        raise Problem(503, "stopping", str(job.failure), {"Retry-After": "5"})
    if job.failure is not None:
        raise job.failure
    return answer(job.to_json())


def derive_later(serving: Serving, access: Access) -> str:
    """The id of a job that derives from what waits; one that has not begun yet will do that too."""
    memory = access.memory
    who = {"tenant": access.tenant, "user": access.user}
    job = serving.jobs.waiting("derive", **who) or serving.jobs.submit(
        "derive", lambda progress: {"events": memory.derive(progress=progress)}, **who
    )
    return job.id


def erase(serving: Serving, access: Access, *, everything: bool = False, **which: Any) -> int:
    """Remove events for good, and the answers that may quote them; how many events that was."""
    count = access.memory.erase(everything=everything, **access.which(**which))
    serving.answers.forget(f"{access.tenant}/")
    serving.jobs.forget(access.tenant)
    return count
