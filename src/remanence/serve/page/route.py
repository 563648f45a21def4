"""What every view has around it: the headers, the visitor's cookie, and failures told as a page."""

import json
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from remanence.errors import RemanenceError
from remanence.serve.page.drawing import HEADERS
from remanence.serve.page.visitor import SignIn, anybody, cookie
from remanence.serve.problem import Problem, document

SCRIPTED = "hx-request"  # what htmx says when it asks
ARRIVED = '<!doctype html><title>Remanence</title><meta http-equiv="refresh" content="0"><a href="">Go on</a>'


class View(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def framed(request: Request) -> Response:
            if _arrives(request):
                return HTMLResponse(ARRIVED, headers=HEADERS)
            try:
                response = await answer(request)
            except SignIn:
                response = _to_sign_in(request)
            except (RemanenceError, Problem, RequestValidationError, HTTPException) as error:
                response = await run_in_threadpool(_failure, request, error)
            response.headers.update(HEADERS)
            token = getattr(request.state, "visit", "")
            if token:
                keep(response, request, cookie(request), token)
            return response

        return framed


def views() -> APIRouter:
    return APIRouter(route_class=View, include_in_schema=False)


def keep(response: Response, request: Request, name: str, value: str, seconds: int | None = None) -> None:
    """A cookie that no script reads and no other site sends."""
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, seconds, path="/", secure=secure, httponly=True, samesite="strict")


def after(path: str) -> RedirectResponse:
    """What follows a form: the view again, so that reloading sends nothing twice."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


def local(path: str) -> str:
    """A path on this server, or the first view: what a form says is not followed elsewhere."""
    plain = path.isascii() and path.isprintable() and "\\" not in path
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"


def _arrives(request: Request) -> bool:
    """Whether somebody follows a link from elsewhere: a browser keeps our cookie back until our own page asks."""
    from_elsewhere = request.headers.get("sec-fetch-site") in ("cross-site", "same-site")
    return request.method == "GET" and from_elsewhere and cookie(request) not in request.cookies


def _to_sign_in(request: Request) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    form = f"/signin?next={quote(f'{request.url.path}{query}' if request.method == 'GET' else '/')}"
    if SCRIPTED in request.headers:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": form})
    return RedirectResponse(form, HTTPStatus.SEE_OTHER)


def _failure(request: Request, error: Exception) -> Response:
    told = document(error, request.url.path, request.scope["state"]["request"])
    problem = json.loads(bytes(told.body))
    part = request.headers.get("hx-target", "").rpartition("#")[2]  # of the view, that a script would replace
    response = anybody(request).draw("failure.html", status=told.status_code, problem=problem, part=part)
    response.headers.update({name: value for name, value in told.headers.items() if name == "retry-after"})
    return response
