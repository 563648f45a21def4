"""The list of what is held, and the search with the reasons for each hit; adding by hand."""

from typing import Annotated

from fastapi import Form, Query
from starlette.responses import Response

from remanence.local import Local
from remanence.plain import filter_of
from remanence.records import Filter, Hit, Record
from remanence.serve.access import Access
from remanence.serve.page.filters import Narrow
from remanence.serve.page.route import after, views
from remanence.serve.page.visitor import Acts, Looks

SIZE = 30  # memories a page
MOST = 200  # hits of a search
SUGGESTED = 200  # names offered by a field
router = views()


@router.get("/")
def browse(
    who: Looks,
    narrow: Narrow,
    q: str = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    k: Annotated[int, Query(ge=1, le=MOST)] = SIZE,
    done: str = "",
) -> Response:
    access = who.access
    which, hits, records, more = access.which(**narrow.which()), list[Hit](), list[Record](), False
    if q.strip():
        hits = access.memory.search(q, k, **which)
        more = len(hits) == k < MOST
    else:
        records, more = newest(access.memory, filter_of(**which), SIZE, (page - 1) * SIZE)
    largest = max((abs(part) for hit in hits for part in hit.why.values()), default=0.0) or 1.0
    said = narrow.said() | ({"q": q} if q else {})
    shown = {"q": q, "hits": hits, "records": records, "more": more, "page": page, "k": k, "largest": largest}
    return who.draw("browse.html", **shown, said=said, narrow=narrow, names=names(access), done=done)


@router.post("/add")
def add(
    who: Acts,
    text: Annotated[str, Form()] = "",
    speaker: Annotated[str, Form()] = "",
    user: Annotated[str, Form()] = "",
    at: Annotated[str, Form()] = "",
) -> Response:
    event = who.access.memory.add(text, at=at or None, speaker=speaker, **who.access.about(user=user))
    return after(f"/event/{event.id}?done=added")


def newest(memory: Local, allowed: Filter, n: int, skip: int = 0) -> tuple[list[Record], bool]:
    """The n memories that began to hold last, after leaving out some, and whether there are more."""
    rows = memory.store.newest(allowed, skip + n + 1).rows[skip:].tolist()
    return list(memory.store.read(rows[:n]).values()), len(rows) > n


def names(access: Access) -> dict[str, list[str]]:
    """What the fields of the filter offer; a visitor bound to a user is not told the names of others."""
    kinds = access.memory.store.names("kind")
    speakers = [] if access.user else [name for name in access.memory.store.names("speaker") if name]
    return {"kind": [kind for kind in kinds if kind], "speaker": speakers[:SUGGESTED]}
