"""Where a memory comes from, what became of it, and taking that back."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from remanence.errors import NotFound
from remanence.formats.parts.as_json import event_to_json, op_to_json
from remanence.records import Event, Source
from remanence.serve.access import Access, Reads, Writes
from remanence.serve.answer import answer
from remanence.serve.shapes import history as shapes
from remanence.serve.shapes.items import OpShape

router = APIRouter(prefix="/v1", tags=["history"])


@router.get("/history", response_model=shapes.Ops)
def log(access: Reads, asked: Annotated[shapes.Since, Query()]) -> Response:
    """What changed, oldest first."""
    ops = access.memory.store.ops(since=asked.since)
    return answer({"ops": [op_to_json(op) for op in ops if access.sees_op(op)]})


@router.get("/memories/{id}/history", response_model=shapes.Ops)
def history(access: Reads, id: str) -> Response:
    """What changed about a memory, oldest first."""
    ops = access.memory.history(access.record(id).id)
    return answer({"ops": [op_to_json(op) for op in ops]})


@router.get("/memories/{id}/sources", response_model=shapes.Sources)
def sources(access: Reads, id: str, around: Annotated[shapes.Around, Query()]) -> Response:
    """The words a memory was derived from, each in its conversation."""
    cited = access.record(id).sources
    return answer({"sources": [_in_place(access, one, access.event(one.event), around.turns) for one in cited]})


@router.post("/undo", response_model=OpShape)
def undo(access: Writes, body: shapes.UndoAsked) -> Response:
    """Take one operation back; a history gives their numbers."""
    with access.held.changing:
        op = next(iter(access.memory.store.ops(since=body.operation - 1)), None)
        if op is None or op.id != body.operation or not access.sees_op(op):
            raise NotFound(f"no operation {body.operation}")
        return answer(op_to_json(access.memory.undo(op.id)))


def _in_place(access: Access, source: Source, event: Event, turns: int) -> dict[str, object]:
    session = _session(access, event) if turns and event.session else []
    at = next((place for place, other in enumerate(session) if other.id == event.id), len(session))
    before, after = session[max(0, at - turns) : at], session[at + 1 : at + 1 + turns]
    return {
        "event": event_to_json(event),
        "start": source.start,
        "end": source.end,
        "before": [event_to_json(other) for other in before],
        "after": [event_to_json(other) for other in after],
    }


def _session(access: Access, event: Event) -> list[Event]:
    """What was said in the session of an event, in order."""
    found = access.memory.events(**access.which(sessions=event.session))
    return [other for other in found if other.scope == event.scope]
