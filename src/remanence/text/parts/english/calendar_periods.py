"""From a matched time phrase to the period of the calendar it names: naive local times, end exclusive.

`READ` has one function for each sort of atom in `calendar_words.ATOM`: (match, now, coming) to a period, where `coming`
says that the sentence is about the future. `shift` and `part` apply what stands before the atom. All of them raise
ValueError or OverflowError for a day that does not exist or lies outside the years 1 to 9999.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from remanence.text.parts.english import calendar_words as words
from remanence.text.parts.english.calendar_units import (
    DAY,
    SHORT,
    WEEK,
    Period,
    Turns,
    away,
    hours_of,
    midnight,
    unit_period,
    whole_months,
)

Match = re.Match[str]

_OFFSET = {"last": -1, "past": -1, "previous": -1, "this": 0, "the": 0, "current": 0}


def _offset(which: str) -> int:
    return _OFFSET.get(which.split()[-1], 1)


def _count(text: str) -> tuple[int, int]:
    """At least and at most: "3" is (3, 3) and "a few" is (2, 5)."""
    vague = next((words.VAGUE[word] for word in words.VAGUE if word in text), None)
    n = int(text) if text.isdigit() else words.NUMBER_OF.get(text, 1)
    return vague or (n, n)


def _ordinal(text: str) -> int:
    return words.ORDINAL_OF.get(text) or int(text.rstrip("stndrh"))


def _iso(m: Match, now: datetime, coming: bool) -> Period:
    year, month, *day = map(int, re.split("[-/]", m["iso"][:10]))
    return hours_of(datetime(year, month, day[0]), None) if day else whole_months(year * 12 + month - 1, 1)


def _numeric(m: Match, now: datetime, coming: bool) -> Period:
    if len(m["short"]) == 2 and m["dot"] != "/":
        raise ValueError(m["numeric"])  # "3.12.10" is a version
    day, month, year = int(m["first"]), int(m["other"]), int(m["short"]) + (2000 if len(m["short"]) == 2 else 0)
    return hours_of(datetime(year, day, month) if month > 12 else datetime(year, month, day), None)


def _days(months: Iterable[int], first: int, last: int) -> list[Period]:
    """From one day of a month to another, in each month that has both."""
    found = []
    for index in months:
        try:
            start, end = (datetime(index // 12, index % 12 + 1, day) for day in (first, last))
            found.append((start, end + DAY))
        except (ValueError, OverflowError):  # 29 February, or beyond the years 1 to 9999
            continue
    return found


def _closest(days: list[Period], now: datetime, coming: bool, weekday: str | None) -> Period:
    """To now, of those begun or those to come; "Thursday 16 October" says itself which year."""
    if weekday:
        days = [day for day in days if day[0].weekday() == words.WEEKDAY_OF[weekday.rstrip(".")]]
    else:
        days = [day for day in days if (day[1] > midnight(now) if coming else day[0] <= now)]
    if not days:
        raise ValueError("no such day")
    return min(days, key=lambda day: abs(day[0] - now))


def _date(m: Match, now: datetime, coming: bool) -> Period:
    month, year, tail = words.MONTH_OF[(m["m1"] or m["m2"]).rstrip(".")] - 1, m["date_year"], m["date_tail"]
    first = _ordinal(m["d1"] or m["d3"])
    last = _ordinal(m["d2"] or m["d4"] or str(first))
    if year or tail:
        [given] = _days([12 * (int(year) if year else now.year + _offset(tail)) + month], first, last)
        return given
    years = range(now.year - 8, now.year + 9)  # 29 February can be eight years away
    return _closest(_days([12 * year + month for year in years], first, last), now, coming, m["weekday"])


def _ago(m: Match, now: datetime, coming: bool) -> Period:
    (least, most), unit = _count(m["ago_n"]), m["ago_unit"]
    if unit in words.WEEKDAY_OF or unit in words.SEASON_OF:
        if m["hence"]:
            raise ValueError(m["ago"])
        return Turns(unit, now).last(least)
    if m["hence"]:
        return unit_period(unit, now, least)[0], unit_period(unit, now, most)[1]
    return unit_period(unit, now, -most)[0], unit_period(unit, now, -least)[1]


def _ahead(m: Match, now: datetime, coming: bool) -> Period:
    least, most = _count(m["ahead_n"])
    return unit_period(m["ahead_unit"], now, least)[0], unit_period(m["ahead_unit"], now, most)[1]


def _lag(m: Match, now: datetime, coming: bool) -> Period:
    unit, k = m["lag_unit"], -2 if m["lag_last"] else 2
    if unit in words.WEEKDAY_OF or unit in words.SEASON_OF:
        return Turns(unit, now).last(2) if k < 0 else Turns(unit, now).next(2)
    return unit_period(unit, now, k)


def _which_unit(m: Match, now: datetime, coming: bool) -> Period:
    which, unit = " ".join(m["unit_which"].split()), m["unit_many"] or m["unit_one"]
    k = _offset(which)
    if unit == "weekend" and m["unit_n"]:
        n, today = _count(m["unit_n"])[1], int(now.weekday() >= 5)
        first, last = (-n, -1) if k < 0 else (today, today + n - 1)
        return unit_period(unit, now, first)[0], unit_period(unit, now, last)[1]
    if m["unit_n"] or (unit != "weekend" and (which == "the last" or which.endswith("past"))):  # up to now, or from now
        n, floor = _count(m["unit_n"] or "a")[1], now if unit in SHORT else midnight(now)
        near, far = floor + SHORT.get(unit, DAY), away(unit, floor, k * n)
        return (far, near) if k < 0 else (floor, far + SHORT.get(unit, DAY))
    if which == "the" and unit == "weekend" and not coming and now.weekday() < 5:
        k = -1
    start, end = unit_period(unit, now, k)
    if m["week_day"]:
        return hours_of(start + words.WEEKDAY_OF[m["week_day"]] * DAY, None)
    return Turns(m["year_part"], now)[start.year] if m["year_part"] else (start, end)


def _part_of_day(m: Match, now: datetime, coming: bool) -> Period:
    return hours_of(midnight(now) + _offset(m["hours_which"]) * DAY, m["hours_of"])


def _day(m: Match, now: datetime, coming: bool) -> Period:
    word, today = m["day_word"], midnight(now)
    if "other" in word:
        return today - WEEK, today
    k = {"yesterday": -1, "tomorrow": 1}.get(word, 0)
    return hours_of(today + k * DAY, "night" if word == "tonight" else m["day_hours"])


def _named(m: Match, now: datetime, coming: bool) -> Period:
    turns = Turns(m["name"], now)
    if m["year"]:
        if turns.weekly:
            raise ValueError(m["named"])
        start, end = turns[int(m["year"])]
    elif m["tail"]:
        if turns.weekly != (m["tail_unit"] == "week"):
            raise ValueError(m["named"])
        start, end = turns[turns.here + _offset(m["tail"])]
    else:
        start, end = turns.which(m["which"], coming)
    return hours_of(start, m["name_hours"]) if m["name_hours"] and end - start == DAY else (start, end)


def _decade(m: Match, now: datetime, coming: bool) -> Period:
    ten = int(m["ten"] or words.DECADE_OF[m["ten_word"]])
    year = int(m["century"] + m["ten"]) if m["century"] else 2000 + ten if 2000 + ten <= now.year else 1900 + ten
    return whole_months(year * 12, 120)


def _quarter(m: Match, now: datetime, coming: bool) -> Period:
    return whole_months(int(m["q_year"]) * 12 + int(m["q"]) * 3 - 3, 3)


def _nth(m: Match, now: datetime, coming: bool) -> Period:
    month, day = now.year * 12 + now.month - 1, _ordinal(m["nth_day"])
    if m["nth_which"]:
        [given] = _days([month + _offset(m["nth_which"])], day, day)
        return given
    return _closest(_days(range(month - 6, month + 7), day, day), now, coming, m["nth_weekday"])


def _whole(m: Match, now: datetime, coming: bool) -> Period:
    return whole_months(int(m["whole"]) * 12, 12)


READ: dict[str, Callable[[Match, datetime, bool], Period]] = {
    "iso": _iso, "numeric": _numeric, "date": _date, "ago": _ago, "ahead": _ahead, "lag": _lag, "unit": _which_unit,
    "hours": _part_of_day, "day": _day, "named": _named, "decade": _decade, "quarter": _quarter, "nth": _nth,
    "whole": _whole,
}  # fmt: skip


def shift(period: Period, head: Match) -> Period:
    """What "the week before", "two days after" or "the Saturday of" makes of a period."""
    unit, (start, end) = head["shift"], period
    if not unit:
        return period
    n = _count(head["shift_n"] or "a")[0]
    k = {"before": -n, "of": 0}.get(head["side"], n)
    if unit not in words.WEEKDAY_OF and unit not in words.SEASON_OF:
        return unit_period(unit, start if k <= 0 else end - timedelta(microseconds=1), k)
    if k < 0:
        return Turns(unit, start).last(n)
    first, last = Turns(unit, start if k == 0 else end).bare(coming=True)
    return first + max(k - 1, 0) * WEEK, last + max(k - 1, 0) * WEEK


_THIRD = {"early": 0, "start": 0, "beginning": 0, "mid": 1, "middle": 1, "late": 2, "end": 2}
_NTH = {"first": 0, "second": 1, "third": 2, "fourth": 3}


def _slice(period: Period, i: int, n: int) -> Period:
    """The `i`-th of `n` equal parts: of whole months if that can be, otherwise of whole days."""
    start, end = period
    months, days = (end.year - start.year) * 12 + end.month - start.month, (end - start).days
    if start.day == end.day == 1 and months % n == 0:
        return whole_months(start.year * 12 + start.month - 1 + months // n * i, months // n)
    return (start + days * i // n * DAY, start + days * (i + 1) // n * DAY) if days >= n else period


def part(period: Period, head: Match) -> Period:
    """What "early", "the end of" or "the first week of" leaves of a period."""
    start, end = period
    if head["third"]:
        return _slice(period, _THIRD[head["third"]], 3)
    if not head["nth"]:
        return period
    n, unit = _NTH.get(head["nth"], -1), head["nth_unit"]
    if unit == "half":
        return _slice(period, n % 2, 2)
    if unit == "weekend" or unit in words.WEEKDAY_OF:
        name, length = ("saturday", 2 * DAY) if unit == "weekend" else (unit, DAY)
        first = Turns(name, end).last()[0] if n < 0 else Turns(name, start).bare(coming=True)[0] + n * WEEK
        return first, first + length
    first = away(unit, end, -1) if n < 0 else away(unit, start, n)
    return first, min(end, away(unit, first, 1))
