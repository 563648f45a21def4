"""The tools of a memory for programs that speak MCP over HTTP: /mcp, and /mcp/full, /mcp/graph, /mcp/chatgpt."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from remanence.errors import MissingExtra


@asynccontextmanager
async def living(app: FastAPI) -> AsyncIterator[None]:
    """An application has its own endpoint; without the extra it has none."""
    try:
        from remanence.serve.mcp.http import Endpoint
    except ModuleNotFoundError:
        yield
        return
    app.state.mcp = Endpoint()
    async with app.state.mcp.running():
        yield


class Mcp:
    """ASGI, since MCP writes its own answers."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = getattr(scope["app"].state, "mcp", None)
        if endpoint is None:
            raise MissingExtra("this server was installed without MCP: pip install 'remanence[mcp]'")
        await endpoint(scope, receive, send)


router = APIRouter(lifespan=living)
router.routes += [Route(path, Mcp(), include_in_schema=False) for path in ("/mcp", "/mcp/{profile}")]
