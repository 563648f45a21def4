"""One memory: what it says, since when, from where, by which method, what it was before; and one event."""

from starlette.responses import Response

from remanence.errors import NotFound
from remanence.records import Event, Record, taken_back
from remanence.serve.access import Access
from remanence.serve.page.past import versions
from remanence.serve.page.places import MOST, conversation, places
from remanence.serve.page.route import after, views
from remanence.serve.page.standing import standing
from remanence.serve.page.visitor import Looks

router = views()


@router.get("/memory/{id}")
def memory(who: Looks, id: str, done: str = "") -> Response:
    item = who.access.get(id)
    if isinstance(item, Event):
        return after(f"/event/{item.id}")
    ops = who.access.memory.history(item.id)
    shown = {"record": item, "standing": standing(item.id, ops), "versions": versions(item, who.access)}
    shown |= {"places": places(item, who.access), "most_places": MOST, "links": _links(item, who.access)}
    return who.draw("memory.html", **shown, ops=ops[::-1], undone=taken_back(ops), done=done)


@router.get("/event/{id}")
def event(who: Looks, id: str, done: str = "") -> Response:
    item = who.access.event(id)
    records = list(who.access.memory.records(**who.access.which(events=item.id)))
    around = conversation(item, who.access)
    return who.draw("event.html", event=item, records=records, around=around, done=done)


def _links(record: Record, access: Access) -> list[tuple[str, Record]]:
    found = []
    for link in record.links:
        try:
            found.append((link.relation, access.record(link.record)))
        except NotFound:  # of another user
            continue
    return found
