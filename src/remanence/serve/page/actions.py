"""What can be done to one memory. Each form is answered by the view it came from, or by what became of it."""

from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from remanence.errors import BadInput, NotFound
from remanence.records import Event, Record
from remanence.serve.access import Access, Item
from remanence.serve.changing import erase as erase_events
from remanence.serve.page.route import after, local, views
from remanence.serve.page.standing import Standing, standing
from remanence.serve.page.visitor import Acts, Looks
from remanence.serve.problem import Problem

Next = Annotated[str, Form()]
router = views()


@router.post("/memory/{id}/edit")
def edit(who: Acts, id: str, text: Annotated[str, Form()] = "", at: Annotated[str, Form()] = "") -> Response:
    with who.access.held.changing:
        old = who.access.record(id)
        if old.superseded_by or standing(old.id, who.access.memory.history(old.id)).gone:
            raise Problem(409, "changed meanwhile", "this memory was replaced or forgotten; edit what holds now")
        new = who.access.memory.edit(old.id, text, at=at or None) if text.strip() != old.text.strip() else old
    return after(f"/memory/{new.id}?done=edited" if new.id != old.id else f"/memory/{old.id}")


@router.post("/memory/{id}/pin")
def pin(who: Acts, id: str, next: Next = "") -> Response:
    with who.access.held.changing:
        record, now = _now(who.access, id)
        if not now.pinned:
            who.access.memory.pin(record.id)
    return _after(record, "pinned", next)


@router.post("/memory/{id}/unpin")
def unpin(who: Acts, id: str, next: Next = "") -> Response:
    with who.access.held.changing:
        record, now = _now(who.access, id)
        if now.pinned:
            who.access.memory.undo(now.pinned.id)
    return _after(record, "unpinned", next)


@router.post("/memory/{id}/forget")
def forget(who: Acts, id: str, next: Next = "") -> Response:
    record = who.access.record(id)
    who.access.memory.forget(record.id)  # twice is once
    return _after(record, "forgotten", next)


@router.post("/memory/{id}/restore")
def restore(who: Acts, id: str, next: Next = "") -> Response:
    with who.access.held.changing:
        record, now = _now(who.access, id)
        if now.gone:
            who.access.memory.undo(now.gone.id)
    return _after(record, "restored", next)


@router.post("/memory/{id}/undo")
def undo(who: Acts, id: str, operation: Annotated[int, Form()], next: Next = "") -> Response:
    with who.access.held.changing:
        record = who.access.record(id)
        if not any(op.id == operation and op.record == record.id for op in who.access.memory.history(record.id)):
            raise NotFound(f"no operation {operation} on this memory")
        who.access.memory.undo(operation)
    return _after(record, "undone", next)


@router.get("/memory/{id}/erase")
def ask(who: Looks, id: str) -> Response:
    """Say what goes, before it goes."""
    who.needs("write")
    item = who.access.get(id)
    events = [who.access.event(event) for event in _cited(item)]
    records = list(who.access.memory.records(**who.access.which(events=[event.id for event in events])))
    return who.draw("erase.html", item=item, is_event=isinstance(item, Event), events=events, records=records)


@router.post("/memory/{id}/erase")
def erase(who: Acts, id: str, sure: Annotated[str, Form()] = "") -> Response:
    if not sure:
        raise BadInput("what is erased does not come back: tick the box to say that it is meant")
    with who.access.held.changing:
        events = [who.access.event(event).id for event in _cited(who.access.get(id))]
        erase_events(who.anybody.request.app.state.serving, who.access, events=events)
    return after("/?done=erased")


def _now(access: Access, id: str) -> tuple[Record, Standing]:
    record = access.record(id)
    return record, standing(record.id, access.memory.history(record.id))


def _cited(item: Item) -> list[str]:
    return [item.id] if isinstance(item, Event) else sorted({source.event for source in item.sources})


def _after(record: Record, done: str, next: str) -> Response:
    return after(local(next) if next else f"/memory/{record.id}?done={done}")
