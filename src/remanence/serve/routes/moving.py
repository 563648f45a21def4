"""Export and import. No path of a client's is ever used: what comes in is a body, what goes out a stream."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from remanence.errors import BadInput, NewerVersion
from remanence.given import Progress
from remanence.registry import load, names
from remanence.serve.access import Reads, Writes
from remanence.serve.changing import started
from remanence.serve.problem import Problem
from remanence.serve.shapes.items import JobShape
from remanence.serve.shapes.moving import ExportAsked, ImportAsked

router = APIRouter(prefix="/v1", tags=["moving"])
LINES = "application/jsonl"
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
JOB: dict[int | str, dict[str, Any]] = {202: {"model": JobShape, "description": "Begun"}}


async def uploaded(request: Request) -> "tempfile.TemporaryDirectory[str]":
    """The body as a file in a folder of its own, which the job removes."""
    folder = tempfile.TemporaryDirectory(prefix="remanence-")
    try:
        with (Path(folder.name) / "body").open("wb") as file:
            async for chunk in request.stream():
                await run_in_threadpool(file.write, chunk)
    except BaseException:
        folder.cleanup()
        raise
    return folder


@router.get("/export", response_class=Response, responses={200: {"content": {LINES: {"schema": {"type": "string"}}}}})
def export(access: Reads, which: Annotated[ExportAsked, Query()]) -> Response:
    """Everything as lines of JSON; importing them gives the same memory. Of a part only the events are written."""
    folder = tempfile.TemporaryDirectory(prefix="remanence-")
    path = Path(folder.name) / "export.jsonl"
    try:
        access.memory.export(path, **access.which(**which.given()))
    except BaseException:
        folder.cleanup()
        raise
    task = BackgroundTask(folder.cleanup)
    return FileResponse(path, media_type=LINES, filename="memory.jsonl", background=task)


@router.post("/import", response_model=JobShape, responses=JOB, openapi_extra=BODY)
def import_(
    request: Request,
    access: Writes,
    asked: Annotated[ImportAsked, Query()],
    folder: Annotated["tempfile.TemporaryDirectory[str]", Depends(uploaded)],
) -> Response:
    """Keep what a file of another program holds, or an export of ours. What is there already is not added again."""
    memory, said = access.memory, asked.given()
    wait, format = said.pop("wait", False), said.pop("format", None)

    def work(progress: Progress) -> dict[str, Any]:
        with folder:
            path = Path(folder.name) / "body"
            try:
                added = memory.import_(path, format=format, progress=progress, **said)
            except (BadInput, NewerVersion) as error:
                raise BadInput(str(error).replace(str(path), "the body")) from None
        problems = [str(problem).replace(str(path), "body") for problem in added.problems]
        return {"new": added.new, "known": added.known, "problems": problems}

    try:
        if access.user:  # a file may say whose words it holds
            raise Problem(403, "not allowed", "a key bound to a user cannot import; add its events one by one")
        if format is not None:
            load("formats", format)
        if not (Path(folder.name) / "body").stat().st_size:
            raise BadInput(f"there is nothing in the body; known formats: {', '.join(names('formats'))}")
    except BaseException:
        folder.cleanup()
        raise
    return started(request, access, "import", work, wait)
