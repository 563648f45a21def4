"""Deriving anew: long work, done as jobs."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from remanence.formats.parts.as_json import op_to_json
from remanence.given import Progress
from remanence.registry import load
from remanence.serve.access import Admins
from remanence.serve.changing import started
from remanence.serve.shapes.history import ConsolidateAsked, RebuildAsked
from remanence.serve.shapes.items import JobShape
from remanence.serve.shapes.jobs import Waiting

router = APIRouter(prefix="/v1", tags=["jobs"])
How = Annotated[Waiting, Query()]
JOB: dict[int | str, dict[str, Any]] = {202: {"model": JobShape, "description": "Begun"}}


@router.post("/derive", response_model=JobShape, responses=JOB)
def derive(request: Request, access: Admins, how: How) -> Response:
    """Derive memories from the events that none could be derived from before."""
    memory = access.memory
    return started(request, access, "derive", lambda progress: {"events": memory.derive(progress=progress)}, how.wait)


@router.post("/consolidate", response_model=JobShape, responses=JOB)
def consolidate(request: Request, access: Admins, body: ConsolidateAsked, how: How) -> Response:
    """Look at everything again: summaries, merges, links. With dry_run only say what would change."""
    memory = access.memory

    def work(progress: Progress) -> dict[str, Any]:
        return {"ops": [op_to_json(op) for op in memory.consolidate(now=body.now or None, dry_run=body.dry_run)]}

    return started(request, access, "consolidate", work, how.wait)


@router.post("/rebuild", response_model=JobShape, responses=JOB)
def rebuild(request: Request, access: Admins, body: RebuildAsked, how: How) -> Response:
    """Derive everything anew from the events, by another method if one is named."""
    memory = access.memory
    if body.method:
        load("text", body.method)  # a name nobody knows is said at once

    def work(progress: Progress) -> dict[str, Any]:
        return {"events": memory.rebuild(body.method or None, progress=progress)}

    return started(request, access, "rebuild", work, how.wait)
