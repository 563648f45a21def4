"""JSON of unknown make: read without surprises, one item of a long array at a time."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from remanence.errors import BadInput
from remanence.formats.parts.opened import LONGEST, Text
from remanence.records import utc, whole

DEEPEST = 32  # levels of nesting kept in meta
CHUNK = 1 << 16  # characters
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Strings are passed over whole, so that what is inside them counts as neither bracket nor comma.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BETWEEN = re.compile(rf'(?:[^"\[\]{{}},]++|{_STRING})*+', re.DOTALL)  # at the level of the items
_INSIDE = re.compile(rf'(?:[^"\[\]{{}}]++|{_STRING})*+', re.DOTALL)  # deeper
_REST = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)  # of a string that began in an earlier chunk


def parsed(text: str) -> Any:
    """The value of a JSON text, or BadInput."""
    try:
        return json.loads(text)
    except RecursionError:
        raise BadInput("not usable JSON: nested too deeply") from None
    except ValueError as error:
        raise BadInput(f"not valid JSON: {error}") from None


def table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def string(value: object) -> str:
    """The text, or "" for anything else; half characters are replaced."""
    return whole(value) if isinstance(value, str) else ""


def moment(value: object) -> datetime | None:
    """A time in UTC from ISO 8601 text or a count since 1970, whose unit is told by its size; None where none is said.

    Text without a zone is taken as UTC.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        plain = value.strip().removesuffix(" UTC")
        if not re.fullmatch(r"[+-]?\d{9,}(\.\d*)?", plain):
            return utc(plain)
        value = float(plain)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"not a time: {value!r}")
    size = abs(value)
    unit = 1 if size < 1e11 else 10**3 if size < 1e14 else 10**6 if size < 1e17 else 10**9  # s, ms, µs, ns
    try:
        return EPOCH + timedelta(seconds=value / unit)
    except (ValueError, OverflowError):
        raise BadInput(f"not a time: {value!r}") from None


def shallow(meta: dict[str, Any]) -> dict[str, Any]:
    """The same, or BadInput where it nests deeper than anything downstream should have to bear."""
    level: list[Any] = list(meta.values())
    for _ in range(DEEPEST):
        level = [value for value in level if isinstance(value, dict | list)]
        if not level:
            return meta
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
    raise BadInput(f"meta is nested more than {DEEPEST} levels deep")


def array(text: Text, key: str = "") -> Iterator[tuple[int, Any]]:
    """Each item of the array that the text is, or of the first array called `key` in it, with its number from 1.

    An item that is not JSON is reported and passed over; memory holds one item at a time.
    """
    for number, item in _split(text, key):
        if item is None:
            text.problem(number, f"longer than {LONGEST:,} characters; skipped", "item")
            continue
        try:
            yield number, parsed(text.decoded(item, number, "item"))
        except BadInput as error:
            text.problem(number, str(error), "item")


def _split(text: Text, key: str) -> Iterator[tuple[int, str | None]]:
    chunk = text.stream.read(CHUNK)
    plain = chunk.lstrip().startswith("[") or not key
    begin = re.compile(r"\s*\[" if plain else rf'\s*\{{.*?"{key}"\s*:\s*\[', re.DOTALL).match(chunk)
    if not begin:
        raise BadInput(f"{text.name} is not a JSON array" + (f' and holds no "{key}": [...]' if key else ""))
    chunk = chunk[begin.end() :]
    items = _Items()
    yield from items.feed(chunk)
    while not items.closed and (chunk := text.stream.read(CHUNK)):
        yield from items.feed(chunk)
    if not items.closed:
        text.problem(items.number, "the file ends in the middle of the array", "item")
        if rest := items.taken(""):  # whole, if only the closing bracket is gone
            yield items.number, rest


class _Items:
    """Cuts an array into the texts of its items, fed in chunks."""

    def __init__(self) -> None:
        self.number, self.depth, self.quoted, self.closed = 1, 1, False, False
        self.pieces: list[str] = []
        self.size = 0
        self.kept = ""  # a backslash whose partner is in the next chunk

    def feed(self, chunk: str) -> Iterator[tuple[int, str | None]]:
        chunk, self.kept = self.kept + chunk, ""
        start = at = 0
        while at < len(chunk):
            if self.quoted:
                at = _REST.match(chunk, at).end()  # type: ignore[union-attr]  # matches the empty string
                if at == len(chunk) or chunk[at] == "\\":
                    self.kept = chunk[at:]
                    break
                self.quoted, at = False, at + 1
            at = (_BETWEEN if self.depth == 1 else _INSIDE).match(chunk, at).end()  # type: ignore[union-attr]
            if at == len(chunk):
                break
            mark, at = chunk[at], at + 1
            self.quoted = mark == '"'
            self.depth += (mark in "[{") - (mark in "]}")
            if mark == "," or self.depth == 0:
                item = self.taken(chunk[start : at - 1])
                self.closed = self.depth == 0
                if not (self.closed and item == ""):  # an empty array, or a comma before its end
                    yield self.number, item
                if self.closed:
                    return
                self.number, start = self.number + 1, at
        self._keep(chunk[start : len(chunk) - len(self.kept)])

    def _keep(self, piece: str) -> None:
        self.size += len(piece)
        if self.size <= LONGEST:
            self.pieces.append(piece)
        else:
            self.pieces.clear()

    def taken(self, last: str) -> str | None:
        self._keep(last)
        item = "".join(self.pieces).strip() if self.size <= LONGEST else None
        self.pieces, self.size = [], 0
        return item
