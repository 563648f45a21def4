"""MCP over HTTP: the endpoint that is mounted at /mcp, and at /mcp/NAME for the profile of that name.

Who asks is settled by the layers around it, as for every other route. A server is made when it is first asked for.
`alone` serves nothing else.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from remanence.serve.access import Access, Gate
from remanence.serve.limits import Limits
from remanence.serve.mcp.reach import Reach
from remanence.serve.mcp.sdk import sdk
from remanence.serve.mcp.server import DEFAULT, build
from remanence.serve.problem import Outermost, Problem
from remanence.serve.serving import Serving


class Endpoint:
    """An ASGI application that is alive inside `running`. `profile` is offered where the path names none.

    `scope` is settled for all who ask, beside what their keys settle.
    """

    def __init__(self, profile: str = DEFAULT, scope: Mapping[str, str] | None = None) -> None:
        self.profile, self.scope = profile, dict(scope or {})
        self.managers: dict[str, Any] = {}
        self.making = anyio.Lock()
        self.tasks: TaskGroup | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as self.tasks:
            yield
            self.tasks.cancel_scope.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        access: Access | None = scope["state"].get("access")
        if access is None:
            how = {"WWW-Authenticate": "Bearer"}
            raise Problem(401, "no good key", "this needs a key that is good: `remanence keys make` gives one", how)
        if access.user and self.scope.get("user", access.user) != access.user:
            raise Problem(403, "another user's", f"this server is for user {self.scope['user']!r} and nobody else")
        manager = await self._manager(scope["path_params"].get("profile") or self.profile)
        await manager.handle_request(scope, receive, send)

    async def _manager(self, profile: str) -> Any:
        async with self.making:
            if profile not in self.managers:
                assert self.tasks is not None, "asked before it is running"
                self.managers[profile] = await self.tasks.start(self._live, profile)
        return self.managers[profile]

    async def _live(self, profile: str, *, task_status: TaskStatus[Any]) -> None:
        manager = sdk().sessions(await anyio.to_thread.run_sync(build, self._reach, profile))
        async with manager.run():
            task_status.started(manager)
            await anyio.sleep_forever()

    def _reach(self, request: Any) -> Reach:
        """What the key of a request allows."""
        access: Access = request.state.access
        scope = self.scope | ({"user": access.user} if access.user else {})
        return Reach(access.memory, scope, writes=access.may("write"), changing=access.held.changing)


def alone(serving: Serving, endpoint: Endpoint) -> Starlette:
    """An application that serves MCP, with the layers of the whole server, and nothing else."""

    @asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(partial(serving.tenants.__getitem__, ""))
        try:
            async with endpoint.running():
                yield
        finally:
            await anyio.to_thread.run_sync(serving.close)

    layers = [
        Middleware(Outermost),
        Middleware(Limits, allowed=serving.allowed_hosts, body=serving.body),
        Middleware(Gate, serving=serving),
    ]
    return Starlette(routes=[Route("/mcp", endpoint)], middleware=layers, lifespan=living)
