"""Events: what happened, as it was said."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from remanence.formats.parts.as_json import event_to_json
from remanence.serve.access import Reads
from remanence.serve.answer import answer
from remanence.serve.lists import page_of_events
from remanence.serve.shapes.asked import Page
from remanence.serve.shapes.items import EventShape
from remanence.serve.shapes.memories import Events

router = APIRouter(prefix="/v1/events", tags=["events"])


@router.get("", response_model=Events)
def list_(access: Reads, page: Annotated[Page, Query()]) -> Response:
    """What happened, in order. A filter by kind finds none: kinds are of memories."""
    return answer(page_of_events(access, page))


@router.get("/{id}", response_model=EventShape)
def get(access: Reads, id: str) -> Response:
    """One event."""
    return answer(event_to_json(access.event(id)))
