"""What a view is narrowed to, as its form says it: part of the address, so that a link keeps it."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends

from remanence.records import utc

FIRST, LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Narrowed:
    """Every field is text as it was typed; "" narrows nothing. `until` is the last day that still counts."""

    user: str = ""
    agent: str = ""
    run: str = ""
    app: str = ""
    kind: str = ""
    speaker: str = ""
    session: str = ""
    channel: str = ""
    since: str = ""
    until: str = ""
    as_of: str = ""

    def which(self) -> dict[str, Any]:
        """The fields of a filter."""
        said: dict[str, Any] = {name: getattr(self, name) for name in ("user", "agent", "run", "app")}
        said |= {
            f"{name}s": (value,) for name in ("kind", "speaker", "session", "channel") if (value := getattr(self, name))
        }
        if self.since or self.until:
            start, end = utc(self.since or FIRST), _end(self.until)
            said["between"] = (start, end)
        if self.as_of:
            said["as_of"] = _end(self.as_of)
        return {name: value for name, value in said.items() if value}

    def said(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}


def _end(until: str) -> datetime:
    """The end of that day, or that moment."""
    if not until:
        return LAST
    when = utc(until)
    return min(LAST, when + timedelta(days=1)) if "T" not in until and ":" not in until else when


Narrow = Annotated[Narrowed, Depends()]
