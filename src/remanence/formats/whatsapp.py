"""A WhatsApp chat exported as text.

Source:  "Export chat": iOS writes "[12/03/2024, 21:15:03] Ana: text", Android "12/03/24, 21:15 - Ana: text", in the
         phone's own way of writing dates; alone or in its archive.
Idea:    whether the day or the month comes first is decided over the whole file: by a number above 12, else by which
         reading runs backwards less often, else day first, reported. A line that begins with no date belongs to the
         message above it. A session is a run of messages with no gap of `gap` hours.
Differs: media left out of the export are left out here. Lines without a speaker ("Ana added Ben") have the channel
         "import"; one that holds ": " is taken for a message. The file names no zone: `timezone` does. Only English
         names of media are known. A message repeated within its second (Android: minute) has its count in meta.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal, get_args
from zoneinfo import ZoneInfo

from remanence.errors import BadConfig, one_of
from remanence.formats.base import Base, Item, Progress, Report
from remanence.formats.parts.opened import Text, head, texts
from remanence.records import Channel, Event, utc

Order = Literal["auto", "dmy", "mdy"]
INSIDE = re.compile(r".*\.txt")
HEADER = re.compile(
    r"\[?(\d{1,4})([./-])(\d{1,2})\2(\d{2,4}),?\s+"  # day, month, year in some order
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:\s*([ap])\.?\s?m\.?)?"
    r"(?:\]|\s+-|:)\s(.*)",
    re.IGNORECASE,
)
MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff"  # which way text runs; put around dates, names and media
UNMARKED = dict.fromkeys(map(ord, MARKS))
OMITTED = re.compile(
    r"<Media omitted>|<Video note omitted>|null"
    r"|(image|video|video note|audio|sticker|GIF|document|Contact card) omitted",
    re.IGNORECASE,
)
LONGEST = 1 << 20  # characters of one message


@dataclass
class WhatsApp(Base):
    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".zip")
    expected: ClassVar[str] = 'lines such as "12/03/24, 21:15 - Ana: text" or "[12/03/2024, 21:15:03] Ana: text"'

    timezone: str = "UTC"  # of the phone, such as "Europe/Lisbon"
    order: Order = "auto"
    gap: float = 6.0  # hours

    def __post_init__(self) -> None:
        if self.order not in get_args(Order):
            raise BadConfig(one_of("order of dates", self.order, get_args(Order)))
        if not 0 < self.gap < 1e6:
            raise BadConfig(f"gap must be a number of hours above 0, got {self.gap}")
        try:
            self._zone = ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise BadConfig(f"no timezone {self.timezone!r} on this machine: {error}; say one such as UTC") from None

    def recognises(self, path: Path) -> bool:
        lines = head(path, INSIDE).split("\n")[:20]
        return any(_header(line) for line in lines)

    def items(self, path: Path, report: Report, progress: Progress | None) -> Iterator[Item]:
        orders = {text.name: self._order(text) for text in texts(path, lambda problem: None, None, INSIDE)}
        for text in texts(path, report, progress, INSIDE):
            chat = _Chat(text, self._zone, timedelta(hours=self.gap), *orders[text.name])
            for number, line in text.lines():
                header = _header(line)
                if header is None:
                    chat.more(number, line)
                else:
                    yield from chat.said()
                    chat.begin(number, header)
            yield from chat.said()

    def _order(self, text: Text) -> tuple[bool, bool]:
        """Whether the day comes before the month, and whether that is certain."""
        above = [0, 0]  # how often the first, the second number can only be a day
        backwards = {True: 0, False: 0}
        last = {True: date.min, False: date.min}
        open_to_both = False
        for _, line in text.lines():
            header = _header(line)
            if header is None or len(header[1]) == 4 or self.order != "auto":
                continue
            first, second = int(header[1]), int(header[3])
            above[0] += first > 12
            above[1] += second > 12
            open_to_both |= first != second
            for day_first in (True, False):
                with suppress(ValueError):
                    day = _date(header, day_first)
                    backwards[day_first] += day < last[day_first]
                    last[day_first] = day
        if self.order != "auto":
            return self.order == "dmy", True
        if any(above):
            return above[0] >= above[1], True
        return backwards[True] <= backwards[False], not open_to_both or backwards[True] != backwards[False]


class _Chat:
    """The messages of one chat, put together line by line."""

    def __init__(self, text: Text, zone: ZoneInfo, gap: timedelta, day_first: bool, certain: bool) -> None:
        self.text, self.zone, self.gap, self.day_first, self.certain = text, zone, gap, day_first, certain
        self.at: datetime | None = None  # of the message at hand; None where its date makes no sense
        self.before: datetime | None = None  # of the one before
        self.speaker, self.session = "", ""
        self.lines: list[str] = []
        self.size = 0
        self.seen: Counter[tuple[str, str]] = Counter()  # at this very time
        self.begun = False

    def begin(self, number: int, header: re.Match[str]) -> None:
        if not self.certain:
            self.text.problem(number, "dates fit day/month and month/day; read as day/month, or say order=mdy")
            self.certain = True
        try:
            self.at = _time(header, self.day_first, self.zone)
        except ValueError as error:  # BadInput is one
            self.text.problem(number, f"{header[0][:40]!r} begins with no date: {error}; message skipped")
            self.at = None
        speaker, colon, first = header[9].partition(": ")
        self.speaker = speaker.translate(UNMARKED).strip().removeprefix("~").strip() if colon else ""
        self.lines, self.size, self.begun = [(first if colon else header[9]).lstrip(MARKS)], 0, True

    def more(self, number: int, line: str) -> None:
        if self.begun:
            self.size += len(line)
            if self.size <= LONGEST:
                self.lines.append(line)
            elif self.size - len(line) <= LONGEST:
                self.text.problem(number, f"the message is longer than {LONGEST:,} characters; cut here")
        elif line.strip(MARKS).strip():
            self.text.problem(number, "a line before the first message; skipped")

    def said(self) -> Iterator[Event]:
        words = "\n".join(self.lines).strip()
        self.lines = []
        if self.at is None or not words or OMITTED.fullmatch(words.strip(MARKS)):
            return
        if self.before is None or self.at - self.before >= self.gap:
            self.session = f"whatsapp {self.at.isoformat(timespec='minutes').removesuffix('+00:00')}"
        if self.at != self.before:
            self.seen.clear()
        self.before = self.at
        self.seen[self.speaker, words] += 1
        times = self.seen[self.speaker, words]
        meta = {"repeat": times} if times > 1 else {}
        role = "" if self.speaker else "system"
        channel: Channel = "user" if self.speaker else "import"
        yield Event(words, self.at, self.speaker, role, self.session, channel=channel, meta=meta)


def _header(line: str) -> re.Match[str] | None:
    return HEADER.match(line.lstrip(MARKS)) or (None if line.isascii() else HEADER.match(line.translate(UNMARKED)))


def _date(header: re.Match[str], day_first: bool) -> date:
    first, second, third = header[1], header[3], header[4]
    if len(first) == 4:
        return date(int(first), int(second), int(third))
    day, month = (first, second) if day_first else (second, first)
    return date(int(third) + (2000 if len(third) == 2 else 0), int(month), int(day))


def _time(header: re.Match[str], day_first: bool, zone: ZoneInfo) -> datetime:
    hour, half = int(header[5]), (header[8] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    day = _date(header, day_first)
    return utc(datetime(day.year, day.month, day.day, hour, int(header[6]), int(header[7] or 0), tzinfo=zone))
