"""The server: its layers, and every resource in routes/.

A new resource is a new file there with `router = APIRouter(...)`; a router may have a lifespan of its own. Routes find
what they share as `request.app.state.serving`, and who asks by a parameter of `access.Reads`, `Writes` or `Admins`.
A test client must ask for a host that is served: `TestClient(make(serving), base_url="http://localhost")`.
"""

import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from remanence import __version__
from remanence.serve.access import Gate
from remanence.serve.idempotency import Idempotency
from remanence.serve.limits import Limits
from remanence.serve.metrics import Counted
from remanence.serve.problem import DOCUMENTED, Outermost, install
from remanence.serve.serving import Serving

ROUTES = "remanence.serve.routes"


def make(serving: Serving) -> FastAPI:
    """The application over some memories; it opens the first before it answers, and closes all when it ends."""

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(lambda: serving.tenants[""])
        try:
            yield
        finally:
            await run_in_threadpool(serving.close)

    app = FastAPI(
        title="Remanence",
        version=__version__,
        description="One memory for language models.",
        docs_url=None,  # theirs come from the network
        redoc_url=None,
        responses=DOCUMENTED,
        lifespan=living,
        redirect_slashes=False,
        middleware=[
            Middleware(Counted, metrics=serving.metrics),
            Middleware(Outermost),
            Middleware(Limits, allowed=serving.allowed_hosts, body=serving.body),
            Middleware(Gate, serving=serving),
            Middleware(Idempotency, answers=serving.answers),
        ],
    )
    app.state.serving = serving
    install(app)
    folder = Path(__file__).parent / "routes"
    for module in sorted(found.name for found in pkgutil.iter_modules([str(folder)])):
        app.include_router(importlib.import_module(f"{ROUTES}.{module}").router)
    return app
