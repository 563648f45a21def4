"""Every failure as a problem document.

Source:  RFC 9457, "Problem Details for HTTP APIs": type, title, status, detail, instance; ours add `request`, the
         request's id, and `errors` where several things are wrong.
Idea:    one table says which of our errors is which status; a failure nobody foresaw says nothing of the inside.
"""

import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remanence import errors

log = logging.getLogger("remanence.serve")
MEDIA = "application/problem+json"
REQUEST = "X-Request-ID"
LONGEST = 200  # characters of a request's id, and of a part of the request that is quoted back
STATUS: dict[type[Exception], int] = {  # the nearest class above an error decides
    errors.RemanenceError: 500,
    errors.UnknownName: 422,
    errors.NotFound: 404,
    errors.BadConfig: 422,
    errors.BadInput: 422,
    errors.MissingExtra: 501,
    errors.LMError: 502,
    errors.Unavailable: 503,
    errors.CannotAnswer: 422,
    errors.StoreError: 500,
    errors.Locked: 503,
    errors.ReadOnly: 403,
    errors.DiskFull: 507,
    errors.OtherMethod: 409,
}
WAIT_S = {503: "5", 507: "60"}


class Problem(Exception):
    """A failure with its status, for what is no error of the library."""

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None):
        super().__init__(detail)
        self.status, self.title, self.detail, self.headers = status, title, detail, dict(headers or {})


class ProblemShape(BaseModel):
    """A failure, as RFC 9457 says it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request: str
    errors: list[dict[str, str]] = []


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem", "content": {MEDIA: {"schema": ProblemShape.model_json_schema()}}}
}


class Outermost:
    """Gives each request an id, and each failure a document. The one place that catches everything."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        said = Headers(scope=scope).get(REQUEST, "")
        id = said if 0 < len(said) <= LONGEST and said.isprintable() and said.isascii() else secrets.token_hex(8)
        scope.setdefault("state", {})["request"] = id
        started = False

        async def named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers[REQUEST] = id
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")  # memories are private
            await send(message)

        try:
            await self.app(scope, receive, named)
        except (Problem, errors.RemanenceError) as error:
            if started:
                raise
            await document(error, scope["path"], id)(scope, receive, named)
        except Exception:  # the outermost layer: a client sees that it failed, the log sees why
            log.exception("request %s: %s %s failed", id, scope["method"], scope["path"])
            if started:
                raise
            await _unforeseen(scope["path"], id)(scope, receive, named)


def install(app: FastAPI) -> None:
    """Let FastAPI answer failures as we do."""

    def told(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            error.headers = {"Allow": ", ".join(sorted(_methods(app, request.scope)))}
        return document(error, request.url.path, request.scope["state"]["request"])

    for kind in (errors.RemanenceError, Problem, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, told)


def _methods(app: FastAPI, scope: Scope) -> set[str]:
    """What may be done with this path; a route alone knows only of itself."""
    paths = app.openapi()["paths"]
    found = [paths[path] for path in paths if compile_path(path)[0].match(scope["path"])]
    return {method.upper() for methods in found for method in methods}


def document(error: Exception, path: str, request: str) -> Response:
    """The answer that tells of a failure."""
    if isinstance(error.__cause__, Problem):  # FastAPI calls whatever goes wrong with a body a 400
        error = error.__cause__
    if isinstance(error, Problem):
        return _answer(error.status, error.title, error.detail, path, request, headers=error.headers)
    if isinstance(error, RequestValidationError):
        wrong = [{"at": ".".join(map(str, e["loc"]))[:LONGEST], "detail": e["msg"]} for e in error.errors()]
        detail = "; ".join(f"{one['at']}: {one['detail']}" for one in wrong[:3])
        return _answer(422, "not understood", detail, path, request, wrong=wrong)
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        return _answer(error.status_code, error.detail.lower(), error.detail, path, request, headers=headers)
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    detail = " ".join([str(error), *getattr(error, "__notes__", [])])
    headers = {"Retry-After": WAIT_S[status]} if status in WAIT_S else {}
    if status == 500:
        log.error("request %s: %s", request, detail)
    return _answer(status, errors.title(type(error)), detail, path, request, headers=headers)


def _unforeseen(path: str, request: str) -> Response:
    detail = "this should not have happened; the server's log says more under the request's id"
    return _answer(500, "internal error", detail, path, request)


def _answer(
    status: int,
    title: str,
    detail: str,
    path: str,
    request: str,
    *,
    wrong: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    said = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": path}
    said |= {"request": request} | ({"errors": wrong} if wrong else {})
    return Response(json.dumps(said).encode(), status, {**(headers or {})}, MEDIA)
