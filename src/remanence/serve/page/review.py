"""The queue of what a person should look at, and the two answers: it is right as it is, or one of them goes."""

from itertools import islice
from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from remanence.plain import filter_of
from remanence.serve.page import doubts
from remanence.serve.page.route import after, views
from remanence.serve.page.visitor import Acts, Looks

WAITING = 30  # events shown that nothing could be derived from
router = views()


@router.get("/review")
def review(who: Looks) -> Response:
    access = who.access
    waiting = access.memory.store.events(filter_of(**access.which()), pending=True)
    return who.draw(
        "review.html",
        quarantined=doubts.quarantined(access),
        disagreeing=doubts.disagreeing(access),
        replaced=doubts.replaced(access),
        alike=doubts.alike(access),
        unsaid=doubts.unsaid(access),
        waiting=list(islice(waiting, WAITING)),
    )


@router.post("/review/accept")
def accept(who: Acts, record: Annotated[str, Form()], other: Annotated[str, Form()] = "") -> Response:
    doubts.accept(who.access, record, other)
    return after("/review")
