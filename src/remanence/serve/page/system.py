"""How the memory stands, the jobs that run, and starting one."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import Form
from starlette.responses import Response

from remanence.given import Progress
from remanence.local import Local
from remanence.serve.page.route import after, views
from remanence.serve.page.visitor import Acts, Looks

Kind = Literal["derive", "consolidate", "rebuild"]
HIDDEN = ("path",)  # what only the one who runs the server need know
router = views()


@router.get("/system")
def system(who: Looks) -> Response:
    access = who.access
    jobs = who.anybody.request.app.state.serving.jobs.list(tenant=access.tenant, user=access.user)[:50]
    if access.user:
        own = access.which()
        counts: dict[str, Any] = {
            "events": _count(access.memory.events(**own)),
            "records": _count(access.memory.records(**own)),
        }
    else:
        status = access.memory.status()
        counts = {name: status[name] for name in status if name not in HIDDEN or access.may("admin")}
    running = any(job.state in ("waiting", "running") for job in jobs)
    return who.draw("system.html", counts=counts, jobs=[job.to_json() for job in jobs], running=running)


@router.post("/system/jobs")
def start(who: Acts, kind: Annotated[Kind, Form()]) -> Response:
    who.needs("admin")
    access = who.access
    jobs = who.anybody.request.app.state.serving.jobs
    jobs.submit(kind, _work(kind, access.memory), tenant=access.tenant, user=access.user)
    return after("/system")


def _work(kind: Kind, memory: Local) -> Callable[[Progress], dict[str, Any]]:
    if kind == "derive":
        return lambda progress: {"events": memory.derive(progress=progress)}
    if kind == "rebuild":
        return lambda progress: {"events": memory.rebuild(progress=progress)}
    return lambda progress: {"operations": len(memory.consolidate())}


def _count(items: Any) -> int:
    return sum(1 for _ in items)
