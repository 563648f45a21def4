"""The web page, at /: its views stand in page/."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from remanence.serve.page import (
    actions,
    browse,
    detail,
    entrance,
    graph,
    log,
    preview,
    review,
    scopes,
    system,
    timeline,
)
from remanence.serve.page.drawing import environment
from remanence.serve.page.visits import Visits


@asynccontextmanager
async def _shared(app: FastAPI) -> AsyncIterator[None]:
    """What all views share for as long as the server runs."""
    app.state.visits, app.state.templates = Visits(), environment()
    yield


router = APIRouter(lifespan=_shared)
for part in (browse, detail, actions, timeline, graph, preview, review, scopes, log, system, entrance):
    router.routes += part.router.routes  # as they are: including them would build each once more
