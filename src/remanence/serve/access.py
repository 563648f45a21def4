"""Who asks, and what they may see: the one place where that is decided.

A key is of one tenant, whose file alone is opened for it, and perhaps of one user: then every filter is narrowed to
that user, every write is made in that user's name, and a thing of another's is as if it were not there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from remanence.errors import NotFound
from remanence.local import Local
from remanence.records import Event, Op, Record
from remanence.serve.keys import RIGHTS, Right
from remanence.serve.problem import Problem
from remanence.serve.tenants import Held, Tenants

if TYPE_CHECKING:
    from remanence.serve.serving import Serving

SCHEMES = ("bearer", "token", "api-key")
COOKIE = "remanence_key"
WHOLE = 32  # digits of an id
OPEN = ("/healthz", "/readyz")  # not counted against anybody's rate

Item = Record | Event


@dataclass(frozen=True)
class Access:
    """`key` is the id of the key, "" where none is needed; `user` "" is everybody."""

    tenants: Tenants
    right: Right
    key: str = ""
    tenant: str = ""
    user: str = ""

    @property
    def held(self) -> Held:
        return self.tenants[self.tenant]

    @property
    def memory(self) -> Local:
        return self.held.memory

    @property
    def path(self) -> Path:
        """Of the memory's file."""
        return self.tenants.path_of(self.tenant)

    def may(self, right: Right) -> bool:
        return RIGHTS.index(self.right) >= RIGHTS.index(right)

    def which(self, **filter: Any) -> dict[str, Any]:
        """A filter, narrowed to what this key may see."""
        return self._own(filter)

    def about(self, **said: Any) -> dict[str, Any]:
        """The fields of an event, in the name of the user this key is of."""
        return self._own(said)

    def sees(self, item: Item) -> bool:
        return not self.user or item.scope.user == self.user

    def get(self, id: str) -> Item:
        """A record or event; what this key may not see is as if it were not there."""
        if not self.user:
            return self.memory.get(id)
        if len(id) == WHOLE:  # a beginning would tell what else begins so
            item = self.memory.get(id)
            if self.sees(item):
                return item
        raise NotFound(f"no record or event {id!r}")

    def sees_op(self, op: Op) -> bool:
        """Whether an operation is about something this key may see; of what was erased nobody but all knows."""
        if not self.user:
            return True
        try:
            return bool(op.record) and self.sees(self.memory.get(op.record))
        except NotFound:
            return False

    def record(self, id: str) -> Record:
        item = self.get(id)
        if isinstance(item, Event):
            raise NotFound(f"{id!r} is an event, which never changes; ask for a record derived from it")
        return item

    def event(self, id: str) -> Event:
        item = self.get(id)
        if isinstance(item, Record):
            raise NotFound(f"no event {id!r}")
        return item

    def _own(self, said: dict[str, Any]) -> dict[str, Any]:
        if not self.user:
            return said
        if said.get("user") not in (None, "", self.user):
            raise Problem(403, "another user's", f"this key is of user {self.user!r} and of nobody else")
        return said | {"user": self.user}


class Gate:
    """The layer that finds out who asks. `request.state.access` is None where nobody we know does."""

    def __init__(self, app: ASGIApp, serving: "Serving"):
        self.app, self.serving = app, serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            access = await run_in_threadpool(self._access, secret_of(Headers(scope=scope)))
            scope.setdefault("state", {})["access"] = access
            client = scope.get("client") or ("",)
            wait = self.serving.rate.take((access and access.key) or f"from {client[0]}")
            if wait and scope["path"] not in OPEN:
                after = {"Retry-After": str(int(wait) + 1)}
                raise Problem(429, "too many requests", f"at most {self.serving.rate.per_second:g} a second", after)
        await self.app(scope, receive, send)

    def _access(self, secret: str | None) -> Access | None:
        if secret is not None:
            key = self.serving.keys.find(secret)
            return Access(self.serving.tenants, key.right, key.id, key.tenant, key.user) if key else None
        if self.serving.here_only and not self.serving.keys.any():
            return Access(self.serving.tenants, "admin")
        return None


def secret_of(headers: Headers) -> str | None:
    """The key that a request carries, in any of the ways clients of other servers send theirs; None if it has none.

    What is no key though it stands where one should is a bad key: who sends it does not mean to come without.
    """
    if "authorization" in headers:
        scheme, _, secret = headers["authorization"].partition(" ")
        return secret.strip() if scheme.lower() in SCHEMES else ""
    if "x-api-key" in headers:
        return headers["x-api-key"].strip()
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return cookie.value if cookie else None


def needs(right: Right) -> Callable[..., Access]:
    """A dependency: the access of who asks, if it has this right."""

    async def allowed(
        request: Request,
        bearer: Annotated[object, Security(HTTPBearer(auto_error=False))],
        header: Annotated[object, Security(APIKeyHeader(name="X-API-Key", auto_error=False))],
    ) -> Access:
        access: Access | None = request.state.access
        if access is None:
            how = {"WWW-Authenticate": "Bearer"}
            raise Problem(401, "no good key", "this needs a key that is good: `remanence keys make` gives one", how)
        if not access.may(right):
            raise Problem(403, "not allowed", f"this needs the right to {right}; the key may {access.right}")
        return access

    return allowed  # type: ignore[return-value]  # FastAPI awaits it


Reads = Annotated[Access, Depends(needs("read"))]
Writes = Annotated[Access, Depends(needs("write"))]
Admins = Annotated[Access, Depends(needs("admin"))]
