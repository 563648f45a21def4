"""When things happened against when they were learned: what was told late stands far from the line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.responses import Response

from remanence.plain import filter_of
from remanence.records import Event
from remanence.serve.access import Access
from remanence.serve.page.browse import names
from remanence.serve.page.filters import LAST, Narrow, Narrowed
from remanence.serve.page.route import views
from remanence.serve.page.visitor import Looks

MOST = 400  # events drawn, the newest
LISTED = 60
WIDTH, HEIGHT, LEFT, BELOW, EDGE = 760, 420, 108, 40, 14  # of the picture, in its own units
TICKS = 5
SHORTEST_S = 4 * 3600.0  # of an axis, so that its marks tell one moment from the next
router = views()


@dataclass(frozen=True, slots=True)
class Dot:
    event: Event
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Axis:
    """From times to places: `low` stands at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def place(self, when: datetime) -> float:
        return round(self.start + (when.timestamp() - self.low) / (self.high - self.low) * (self.end - self.start), 1)

    def ticks(self) -> list[tuple[float, str]]:
        span = self.high - self.low
        style = "%Y" if span > 5 * 365 * 86400 else "%Y-%m-%d" if span > 4 * 86400 else "%m-%d %H:%M"
        moments = [datetime.fromtimestamp(self.low + span * i / (TICKS - 1), UTC) for i in range(TICKS)]
        return [(self.place(when), when.strftime(style)) for when in moments]


@router.get("/timeline")
def timeline(who: Looks, narrow: Narrow) -> Response:
    events = latest(who.access, narrow)
    shown = {"events": events[-LISTED:][::-1], "count": len(events), "most": MOST, "dots": [], "line": None}
    shown |= {"width": WIDTH, "height": HEIGHT, "left": LEFT, "bottom": HEIGHT - BELOW, "across": None, "up": None}
    if events:
        across = _axis([event.at for event in events], LEFT, WIDTH - EDGE)
        up = _axis([event.recorded_at for event in events], HEIGHT - BELOW, EDGE)
        dots = [Dot(event, across.place(event.at), up.place(event.recorded_at)) for event in events]
        shown |= {"dots": dots, "across": across.ticks(), "up": up.ticks(), "line": _as_it_happened(across, up)}
    return who.draw("timeline.html", **shown, narrow=narrow, said=narrow.said(), names=names(who.access))


def latest(access: Access, narrow: Narrowed) -> list[Event]:
    """The events that happened last, in order; those that nothing was derived from yet are among them."""
    which = access.which(**narrow.which())
    rows = access.memory.store.newest(filter_of(**which), MOST)
    if len(rows.rows) == MOST and "between" not in which:
        oldest = next(iter(access.memory.store.read(rows.rows[-1:].tolist()).values()))
        which["between"] = (oldest.valid_from, LAST)
    which.pop("kinds", None)  # events have none
    return list(access.memory.events(**which))[-MOST:]


def _axis(times: Sequence[datetime], start: float, end: float) -> Axis:
    low, high = min(times).timestamp(), max(times).timestamp()
    room = max((high - low) * 0.03, (SHORTEST_S - high + low) / 2)
    return Axis(low - room, high + room, start, end)


def _as_it_happened(across: Axis, up: Axis) -> tuple[float, float, float, float] | None:
    """The line on which things lie that were learned when they happened, where it crosses the picture."""
    low, high = max(across.low, up.low), min(across.high, up.high)
    if low >= high:
        return None
    first, last = datetime.fromtimestamp(low, UTC), datetime.fromtimestamp(high, UTC)
    return across.place(first), up.place(first), across.place(last), up.place(last)
