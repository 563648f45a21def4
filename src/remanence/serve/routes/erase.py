"""Erase: remove events, and all that was derived from them, for good."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from remanence.given import Progress
from remanence.serve.access import Writes
from remanence.serve.answer import answer
from remanence.serve.changing import erase, started
from remanence.serve.problem import Problem
from remanence.serve.serving import Serving
from remanence.serve.shapes.items import JobShape
from remanence.serve.shapes.moving import EraseAsked, Erased, HowToErase

router = APIRouter(prefix="/v1/erase", tags=["moving"])
JOB: dict[int | str, dict[str, Any]] = {202: {"model": JobShape, "description": "Begun"}}


@router.post("", response_model=Erased, responses=JOB)
def erase_(request: Request, access: Writes, body: EraseAsked, how: Annotated[HowToErase, Query()]) -> Response:
    """Nothing of them stays in the file. For a key bound to a user, `everything` is all of that user's."""
    if not (access.user or access.may("admin")):
        raise Problem(403, "not allowed", "this needs an admin key, or one that is bound to a user")
    which = body.given()
    everything, dry = which.pop("everything", False), which.pop("dry_run", False)
    if access.user and everything:
        which, everything = access.which(), bool(which)  # with anything beside it, it is refused as ever
    serving: Serving = request.app.state.serving
    if dry:
        count = access.memory.erase(everything=everything, dry_run=True, **access.which(**which))
        return answer({"events": count, "dry_run": True})
    if how.wait:
        return answer({"events": erase(serving, access, everything=everything, **which), "dry_run": False})

    def work(progress: Progress) -> dict[str, Any]:
        return {"events": erase(serving, access, everything=everything, **which)}

    return started(request, access, "erase", work, False)
