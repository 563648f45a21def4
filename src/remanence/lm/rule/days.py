"""Yesterday, last March, two weeks ago: a day said from the event's time is replaced by its date.

Idea:    one pattern finds both what is relative and what is a date already; the finest unit named decides how precise
         the answer is ("last month" becomes "in March 2024", not a day).
Cost:    O(characters).
Differs: a few dozen English expressions; a year, month or week counts from its first day, and days are UTC days.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MONTHS = "January February March April May June July August September October November December"
_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve"
MONTHS, DAYS = _MONTHS.lower().split(), _DAYS.split()
_COUNTS = {word: i for i, word in enumerate(_NUMBERS.split())}
_COUNTS |= {"a": 1, "an": 1, "couple": 2, "few": 3}

_MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?"
    r"|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_YEAR = r"(?:1[0-9]|20)\d\d"
_NTH = r"\d{1,2}(?:st|nd|rd|th)?"
DATE = re.compile(
    rf"""\b(?:
      (?P<iso>{_YEAR}-\d\d-\d\d)\b
    | (?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,?[ ])?(?P<day>{_NTH})[ ](?:of[ ])?
      (?P<month>{_MONTH})\b(?:,?[ ](?P<year>{_YEAR})\b)?
    | (?P<month2>{_MONTH})[ ](?P<day2>{_NTH})\b(?!:\d|[ ]?[ap]m)(?:,?[ ](?P<year2>{_YEAR})\b)?
    | (?P<month3>{_MONTH}),?[ ](?P<year3>{_YEAR})\b
    | (?<=[Ii]n[ ])(?P<year4>{_YEAR})\b
    | (?<=[Ss]ince[ ])(?P<year5>{_YEAR})\b
    )""",
    re.VERBOSE,
)
_N = r"(?:\d{1,3}|a\s+couple\s+of|a\s+few|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_UNIT = r"(?:days?|weeks?|months?|years?)"
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
RELATIVE = re.compile(
    rf"""\b(?:
      (?P<two>the\s+day\s+(?:before\s+yesterday|after\s+tomorrow))
    | (?P<near>yesterday|today|tomorrow|tonight|last\s+night|this\s+(?:morning|afternoon|evening))
      (?P<part>\s+(?:morning|afternoon|evening|night))?
    | (?P<ago>{_N})\s+(?P<unit>{_UNIT})\s+ago
    | (?<=in[ ])(?P<ahead>{_N})\s+(?P<unit2>{_UNIT})(?!\s+(?:time|of|old))
    | (?P<which>last|this|next|this\s+past|this\s+coming)\s+(?P<named>week(?:end)?|month|year|{_WEEKDAY}|{_MONTH})
    )\b(?P<own>['’]s)?""",
    re.VERBOSE | re.IGNORECASE,
)
_LED = re.compile(
    r"\b(?:in|on|at|since|until|till|by|for|of|from|before|after|around|about|during|to|between|and)\s+$", re.I
)
_DIGIT = re.compile(r"\d")
_TRIGGER = re.compile(r"day|night|ago|morning|afternoon|evening|last|next|this|\bin |tomorrow", re.I)


@dataclass(frozen=True, slots=True)
class When:
    """Where a text names a time, what to say instead, and when it begins (UTC)."""

    start: int
    end: int
    said: str
    moment: datetime


def dated(text: str, at: datetime | None) -> tuple[str, datetime | None]:
    """The text with relative days replaced, and the first time it names; without `at` only dates are understood."""
    found = list(relative(text, at)) if at is not None else []
    first = min((w.start, w.moment) for w in found) if found else None
    for date, moment in absolute(text, at):
        first = min(first, (date, moment)) if first else (date, moment)
        break
    for w in reversed(found):
        text = text[: w.start] + w.said + text[w.end :]
    return text, first[1] if first else None


def absolute(text: str, at: datetime | None = None) -> Iterator[tuple[int, datetime]]:
    """(position, moment) of every written date; one without a year takes the year of `at` or is passed over."""
    if not _DIGIT.search(text):
        return
    for m in DATE.finditer(text):
        year = m["year"] or m["year2"] or m["year3"] or m["year4"] or m["year5"]
        month, day = m["month"] or m["month2"] or m["month3"], m["day"] or m["day2"]
        try:
            if m["iso"]:
                moment = datetime.fromisoformat(m["iso"])
            elif year or at is not None:
                y = int(year) if year else at.year if at is not None else 1
                moment = datetime(y, _month(month) if month else 1, int(re.sub(r"\D", "", day)) if day else 1)
            else:
                continue
        except ValueError:  # 31 February, 2024-13-01: not a date after all
            continue
        yield m.start(), moment.replace(tzinfo=UTC)


def relative(text: str, at: datetime) -> Iterator[When]:
    """Every expression that counts from `at`."""
    if not _TRIGGER.search(text):
        return
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    for m in RELATIVE.finditer(text):
        try:
            said, moment, lead = _meant(m, today)
        except (ValueError, OverflowError):  # before the year 1 or after 9999
            continue
        led = bool(_LED.search(text, max(0, m.start() - 12), m.start()))
        said = said if led or m["own"] else f"{lead} {said}"
        if m.start() == 0:
            said = said[:1].upper() + said[1:]
        yield When(m.start(), m.end(), said + (m["own"] or ""), moment)


def _meant(m: re.Match[str], today: datetime) -> tuple[str, datetime, str]:
    """What to say, when it begins, and the preposition it wants."""
    word = " ".join(m.group().lower().replace("’", "'").removesuffix("'s").split())
    if m["two"]:
        return *_day(today + timedelta(days=-2 if "yesterday" in word else 2)), "on"
    if m["near"]:
        shift = -1 if word.startswith(("yesterday", "last")) else 1 if word.startswith("tomorrow") else 0
        part = (
            f"the {word.split()[-1]} of " if len(word.split()) > 1 else "the evening of " if word == "tonight" else ""
        )
        said, moment = _day(today + timedelta(days=shift))
        return part + said, moment, "on"
    if m["ago"] or m["ahead"]:
        count = m["ago"] or m["ahead"]
        n = int(count) if count.isdigit() else _COUNTS[[w for w in count.lower().split() if w != "of"][-1]]
        exact = count.split()[-1].lower() not in ("few", "of")
        return _count(today, -n if m["ago"] else n, (m["unit"] or m["unit2"]).lower(), exact)
    step = {"last": -1, "next": 1}.get(m["which"].lower().split()[0], 0)
    return _named(today, step, m["named"].lower().rstrip("."))


def _count(today: datetime, n: int, unit: str, exact: bool) -> tuple[str, datetime, str]:
    if unit.startswith("day"):
        return *_day(today + timedelta(days=n)), "on" if exact else "around"
    if unit.startswith("week"):
        return *_day(today + timedelta(weeks=n)), "around"
    if unit.startswith("month"):
        return *_months(today, n), "in" if exact else "around"
    return str(today.year + n), today.replace(year=today.year + n, month=1, day=1), "in" if exact else "around"


def _named(today: datetime, step: int, name: str) -> tuple[str, datetime, str]:
    monday = today - timedelta(days=today.weekday())
    if name == "week":
        said, moment = _day(monday + timedelta(weeks=step))
        return f"the week of {said}", moment, "in"
    if name == "weekend":
        said, moment = _day(monday + timedelta(weeks=step, days=5))
        return f"the weekend of {said}", moment, "on"
    if name == "month":
        return *_months(today, step), "in"
    if name == "year":
        return str(today.year + step), today.replace(year=today.year + step, month=1, day=1), "in"
    if name in DAYS:  # the nearest one before, after, or not before today
        ahead = (DAYS.index(name) - today.weekday()) % 7
        ahead = ahead - 7 if step < 0 else ahead or (7 if step else 0)
        return *_day(today + timedelta(days=ahead)), "on"
    month = _month(name)
    year = today.year - (step < 0 and month >= today.month) + (step > 0 and month <= today.month)
    return f"{MONTHS[month - 1].capitalize()} {year}", today.replace(year=year, month=month, day=1), "in"


def _day(moment: datetime) -> tuple[str, datetime]:
    return f"{moment.day} {MONTHS[moment.month - 1].capitalize()} {moment.year}", moment


def _months(today: datetime, n: int) -> tuple[str, datetime]:
    year, month = divmod(today.year * 12 + today.month - 1 + n, 12)
    return f"{MONTHS[month].capitalize()} {year}", today.replace(year=year, month=month + 1, day=1)


def _month(name: str) -> int:
    return next(i for i, full in enumerate(MONTHS, 1) if full.startswith(name.lower().rstrip(".")[:3]))
