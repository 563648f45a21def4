"""Memories: keep, list, look at, change, forget."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from remanence.errors import BadInput, LMError
from remanence.formats.parts.as_json import record_to_json, to_json
from remanence.plain import event_of
from remanence.records import Event, Record
from remanence.serve.access import Access, Reads, Writes
from remanence.serve.answer import answer
from remanence.serve.changing import derive_later, erase
from remanence.serve.lists import page_of_records
from remanence.serve.serving import Serving
from remanence.serve.shapes import memories as shapes
from remanence.serve.shapes.asked import Page
from remanence.serve.shapes.items import RecordShape
from remanence.serve.versions import check, etag, forgotten_by, pinned_by, unchanged

router = APIRouter(prefix="/v1/memories", tags=["memories"])
ETAG: dict[str, Any] = {"headers": {"ETag": {"schema": {"type": "string"}}}}


@router.post("", status_code=201, response_model=shapes.Kept, responses={202: {"model": shapes.Kept}})
def add(request: Request, access: Writes, body: shapes.OneOrMany, how: Annotated[shapes.HowToAdd, Query()]) -> Response:
    """Keep one thing that happened, or several, and derive memories from them.

    The words are on disk and can be read when this answers: 201 when memories were derived too, 202 when they will be.
    """
    told = body.memories if isinstance(body, shapes.ToldMany) else [body]
    events = [event_of(**access.about(**one.given())) for one in told]
    memory, ids = access.memory, [event.id for event in events]
    if how.wait:
        known = memory.store.known(events)
        try:
            added = memory.add_many(events)
        except LMError as error:  # they are kept; a failure is said, and something is done about it
            new = len({*ids} - known)
            said = {"events": ids, "new": new, "known": len(ids) - new, "problem": str(error)}
            return answer(said, 202)
        made = memory.records(**access.which(events=ids)) if how.records else ()
        records = {"records": [record_to_json(record) for record in made]} if how.records else {}
        return answer({"events": ids, "new": added.new, "known": added.known, **records}, 201)
    added = memory.add_many(events, derive=False)
    serving: Serving = request.app.state.serving
    return answer({"events": ids, "new": added.new, "known": added.known, "job": derive_later(serving, access)}, 202)


@router.get("", response_model=shapes.Records)
def list_(access: Reads, page: Annotated[Page, Query()]) -> Response:
    """What is held now, in the order it was derived."""
    return answer(page_of_records(access, page))


@router.get("/{id}", response_model=shapes.Either, responses={200: ETAG, 304: {"description": "Not modified"}})
def get(request: Request, access: Reads, id: str) -> Response:
    """A memory, or an event, by its id."""
    item = access.get(id)
    tag = _tag(access, item)
    if unchanged(request.headers, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return answer(to_json(item), headers={"ETag": tag})


@router.patch("/{id}", response_model=RecordShape, responses={200: ETAG})
def change(request: Request, access: Writes, id: str, body: shapes.Change) -> Response:
    """Say it otherwise, pin it or let go of it, forget it or bring it back; with If-Match only if it is unchanged.

    An edited memory has a new id: the old one is kept as what was said before.
    """
    with access.held.changing:
        record = access.record(id)
        check(request.headers, _tag(access, record))
        if body.text is None and body.at:
            raise BadInput("at says from when a new text holds; there is no text")
        if body.forgotten is not None:
            _forget(access, record, body.forgotten)
        if body.text is not None:
            record = access.memory.edit(record.id, body.text, at=body.at or None)
        if body.pinned is not None:
            _pin(access, record, body.pinned)
        record = access.record(record.id)
        return answer(record_to_json(record), headers={"ETag": _tag(access, record)})


@router.delete("/{id}", response_model=shapes.Deleted)
def delete(request: Request, access: Writes, id: str, how: Annotated[shapes.HowToDelete, Query()]) -> Response:
    """Forget a memory, which can be undone; or, for good, erase what it was derived from."""
    with access.held.changing:
        item = access.get(id)
        check(request.headers, _tag(access, item))
        if how.for_good:
            events = [item.id] if isinstance(item, Event) else sorted({source.event for source in item.sources})
            if not events:
                raise BadInput("this memory cites no event; it can be forgotten, not erased")
            serving: Serving = request.app.state.serving
            return answer({"erased": erase(serving, access, events=events)})
        if isinstance(item, Event):
            raise BadInput("an event cannot be forgotten, only erased: for_good=true")
        return answer({"operation": _forget(access, item, True)})


def _forget(access: Access, record: Record, wanted: bool) -> int:
    """Forget a record or bring it back; the number of the operation that did."""
    done = forgotten_by(access.memory, record.id)
    if wanted:
        return done.id if done else access.memory.forget(record.id)[0].id
    return access.memory.undo(done.id).id if done else 0


def _pin(access: Access, record: Record, wanted: bool) -> None:
    done = pinned_by(access.memory, record.id)
    if wanted and not done:
        access.memory.pin(record.id)
    elif done and not wanted:
        access.memory.undo(done.id)


def _tag(access: Access, item: Record | Event) -> str:
    return etag(item, None if isinstance(item, Event) else forgotten_by(access.memory, item.id))
