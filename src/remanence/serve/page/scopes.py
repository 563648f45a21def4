"""Whose memories these are, how many, and taking them along or erasing them."""

import json
from typing import Annotated, Any, Literal

from fastapi import Form, Query
from starlette.responses import Response

from remanence.errors import BadInput
from remanence.serve.changing import erase as erase_events
from remanence.serve.page.route import after, views
from remanence.serve.page.visitor import Acts, Looks, Visitor
from remanence.serve.routes import moving
from remanence.serve.routes import scopes as counting
from remanence.serve.shapes.asked import LONG
from remanence.serve.shapes.moving import ExportAsked

Part = Literal["user", "agent", "run", "app"]
Name = Annotated[str, Query(max_length=LONG)]
router = views()


@router.get("/scopes")
def scopes(who: Looks) -> Response:
    counts = json.loads(bytes(counting.scopes(who.access).body))
    return who.draw("scopes.html", counts=counts, may_erase=_may_erase(who))


@router.get("/scopes/export")
def export(who: Looks, part: Part | Literal[""] = "", name: Name = "") -> Response:
    """Everything, or the events of one scope, as lines of JSON."""
    return moving.export(who.access, ExportAsked.model_validate(_of(part, name) if part else {}))


@router.get("/scopes/erase")
def ask(who: Looks, part: Part, name: Name) -> Response:
    _needs_erase(who)
    which = who.access.which(**_of(part, name))
    return who.draw("erase_scope.html", part=part, name=name, count=who.access.memory.erase(dry_run=True, **which))


@router.post("/scopes/erase")
def erase(
    who: Acts, part: Annotated[Part, Form()], name: Annotated[str, Form()], typed: Annotated[str, Form()] = ""
) -> Response:
    _needs_erase(who)
    if typed != name:
        raise BadInput("what is erased does not come back: type the name to say that it is meant")
    erase_events(who.anybody.request.app.state.serving, who.access, **_of(part, name))
    return after("/scopes")


def _of(part: Part, name: str) -> dict[str, Any]:
    if not name:
        raise BadInput("say whose: an empty name would mean everybody")
    return {part: name}


def _may_erase(who: Visitor) -> bool:
    return who.access.may("admin") or (who.access.may("write") and bool(who.access.user))


def _needs_erase(who: Visitor) -> None:
    if not _may_erase(who):
        who.needs("admin")
