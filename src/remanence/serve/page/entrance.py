"""Signing in and out, light and dark, and the files the page is made of."""

from typing import Annotated

from fastapi import Form
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from remanence.serve.page.drawing import HERE
from remanence.serve.page.route import after, keep, local, views
from remanence.serve.page.visitor import THEMES, Asks, Sends, cookie

FILES = (
    "page.css",
    "page.js",
    "icon.svg",
    "vendor/htmx.min.js",
    "vendor/d3-dispatch.min.js",
    "vendor/d3-quadtree.min.js",
    "vendor/d3-timer.min.js",
    "vendor/d3-force.min.js",
)
YEAR_S = 365 * 86400
router = views()


@router.get("/signin")
def form(who: Asks, next: str = "/") -> Response:
    if who.access is not None:
        return after(local(next))
    return who.draw("signin.html", next=local(next), wrong=False)


@router.post("/signin")
def sign_in(who: Sends, key: Annotated[str, Form()] = "", next: Annotated[str, Form()] = "/") -> Response:
    found = who.request.app.state.serving.keys.find(key.strip())
    if found is None:
        return who.draw("signin.html", status=401, next=local(next), wrong=True)
    who.visits.sign_out(who.token)
    response = after(local(next))
    who.request.state.visit = ""
    keep(response, who.request, cookie(who.request), who.visits.sign_in(found.id))
    return response


@router.post("/signout")
def sign_out(who: Sends) -> Response:
    who.visits.sign_out(who.token)
    response = after("/")
    response.delete_cookie(cookie(who.request), path="/")
    return response


@router.post("/theme")
def theme(who: Sends, theme: Annotated[str, Form()] = "", next: Annotated[str, Form()] = "/") -> Response:
    response = after(local(next))
    if theme in THEMES:
        keep(response, who.request, "theme", theme, YEAR_S)
    else:
        response.delete_cookie("theme", path="/")
    return response


@router.get("/static/{name:path}")
def file(name: str) -> Response:
    if name not in FILES:
        raise HTTPException(404, "Not Found")
    return FileResponse(HERE / "static" / name, headers={"Cache-Control": "private, max-age=3600"})
