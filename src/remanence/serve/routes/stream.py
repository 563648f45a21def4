"""Stream: operations as they are logged, as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from remanence.formats.parts.as_json import op_to_json
from remanence.records import Op
from remanence.serve.access import Access, Reads
from remanence.serve.serving import Serving
from remanence.serve.shapes.history import LAST

router = APIRouter(prefix="/v1/stream", tags=["history"])
MEDIA = "text/event-stream"
LOOKED_S, KEPT_ALIVE_S = 0.25, 15.0


@router.get("", response_class=Response, responses={200: {"content": {MEDIA: {"schema": {"type": "string"}}}}})
def stream(
    request: Request, access: Reads, last_event_id: Annotated[int | None, Header(ge=0, le=LAST)] = None
) -> Response:
    """What changes from now on, or after the operation that Last-Event-ID names."""
    since = _newest(access) if last_event_id is None else last_event_id
    return StreamingResponse(_told(access, since, request.app.state.serving), media_type=MEDIA)


async def _told(access: Access, since: int, serving: Serving) -> AsyncIterator[str]:
    """One message an operation, and a comment now and then so that the connection is not given up."""
    yield f": from operation {since}\n\n"
    quiet = 0.0
    while not serving.stopping.is_set():
        since, seen = await run_in_threadpool(_since, access, since)
        for op in seen:
            yield f"id: {op.id}\nevent: {op.kind}\ndata: {json.dumps(op_to_json(op))}\n\n"
        quiet = 0.0 if seen else quiet + LOOKED_S
        if quiet >= KEPT_ALIVE_S:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(LOOKED_S)


def _since(access: Access, since: int) -> tuple[int, list[Op]]:
    """The last operation there is, and those since that this key may see."""
    ops = access.memory.store.ops(since=since)
    return (ops[-1].id if ops else since), [op for op in ops if access.sees_op(op)]


def _newest(access: Access) -> int:
    """The number of the last operation. There are at least as many as are counted: an erasure leaves gaps."""
    store = access.memory.store
    counted = int(store.status()["operations"])
    ops = store.ops(since=counted)
    return ops[-1].id if ops else counted
