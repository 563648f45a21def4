"""Who looks at a view or sends a form, and what they may see: every view begins here.

A visitor has a cookie with a random token (see visits.py). With keys in force it stands for the key that was shown
when signing in, which is looked up at every request: a key that is revoked opens nothing more.
"""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Form, Request
from starlette.responses import HTMLResponse

from remanence.errors import NotFound
from remanence.serve.access import Access
from remanence.serve.keys import Right
from remanence.serve.page.visits import Visits
from remanence.serve.problem import Problem

THEMES = ("light", "dark")
SAME = ("same-origin", "none")


class SignIn(Exception):
    """Nobody we know: the page asks for a key."""


@dataclass(frozen=True)
class Anybody:
    """A visitor who may not have signed in: `token` is that of the cookie."""

    request: Request
    token: str

    @property
    def visits(self) -> Visits:
        visits: Visits = self.request.app.state.visits
        return visits

    @property
    def access(self) -> Access | None:
        """What may be seen: by the key that was shown, or without one where none is needed."""
        serving = self.request.app.state.serving
        shown = self.visits.key(self.token)
        if not shown:
            found: Access | None = self.request.state.access
            return found
        try:
            key = serving.keys.get(shown)
        except NotFound:
            return None
        return Access(serving.tenants, key.right, key.id, key.tenant, key.user) if key.good else None

    def draw(self, template: str, status: int = 200, **said: Any) -> HTMLResponse:
        theme = self.request.cookies.get("theme", "")
        frame = {
            "csrf": self.visits.form_token(self.token),
            "theme": theme if theme in THEMES else "",
            "path": self.request.url.path,
            "here": self.request.url.path + (f"?{self.request.url.query}" if self.request.url.query else ""),
            "access": None,
            "signed": bool(self.visits.key(self.token)),
        }
        drawn = self.request.app.state.templates.get_template(template).render(frame | said)
        return HTMLResponse(drawn, status)


@dataclass(frozen=True)
class Visitor:
    """One who may look."""

    anybody: Anybody
    access: Access

    def draw(self, template: str, **said: Any) -> HTMLResponse:
        return self.anybody.draw(template, access=self.access, **said)

    def needs(self, right: Right) -> None:
        if not self.access.may(right):
            raise Problem(
                403, "not allowed", f"this needs a key with the right to {right}; yours may {self.access.right}"
            )


def cookie(request: Request) -> str:
    """The name of the cookie: servers on other ports of this machine have theirs."""
    return f"remanence_visit_{request.url.port or 'page'}"


def anybody(request: Request) -> Anybody:
    visits: Visits = request.app.state.visits
    token = request.cookies.get(cookie(request), "")
    if not token:
        request.state.visit = token = visits.token()
    return Anybody(request, token)


def sender(request: Request, who: Annotated[Anybody, Depends(anybody)], csrf: Annotated[str, Form()] = "") -> Anybody:
    """One who sends a form of ours, from a page of ours."""
    if not _from_here(request):
        raise Problem(403, "another site's form", "this form was not sent from this page")
    if not who.visits.drew(request.cookies.get(cookie(request), ""), csrf):
        raise Problem(403, "an old form", "the form was drawn before the server was started anew; load the page again")
    return who


def looker(who: Annotated[Anybody, Depends(anybody)]) -> Visitor:
    access = who.access
    if access is None:
        raise SignIn
    return Visitor(who, access)


def actor(who: Annotated[Anybody, Depends(sender)]) -> Visitor:
    """One who changes something."""
    visitor = looker(who)
    visitor.needs("write")
    return visitor


def _from_here(request: Request) -> bool:
    """Whether a browser says that the form stood on a page of ours."""
    origin = request.headers.get("origin") or request.headers.get("referer")
    if origin:
        return urlsplit(origin).netloc == request.headers.get("host")
    return request.headers.get("sec-fetch-site") in SAME


Looks = Annotated[Visitor, Depends(looker)]
Acts = Annotated[Visitor, Depends(actor)]
Asks = Annotated[Anybody, Depends(anybody)]
Sends = Annotated[Anybody, Depends(sender)]
