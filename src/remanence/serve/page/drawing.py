"""Templates into answers, and the headers that keep a browser from running or fetching anything that is not ours."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from remanence import __version__

HERE = Path(__file__).parent
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser would not say where a form comes from
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def environment() -> Environment:
    drawn = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn.filters.update(day=day, moment=moment, short=short, number=number)
    drawn.globals.update(query=query, version=__version__)
    return drawn


def day(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d}" if when else ""


def moment(when: datetime | None) -> str:
    """A time to the minute, UTC."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M}" if when else ""


def short(text: str, most: int = 140) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def query(said: dict[str, Any], **other: Any) -> str:
    """What stands behind the ? of a link: what was asked, some of it otherwise."""
    kept = {name: value for name, value in (said | other).items() if value not in ("", None)}
    return f"?{urlencode(kept)}" if kept else "?"
