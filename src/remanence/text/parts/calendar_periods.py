"""From a matched time phrase to the period of the calendar it names: naive local times, end exclusive.

`READ` has one function for each sort of atom in `calendar_words.ATOM`: (match, now, coming) to a period, where `coming`
says that the sentence is about the future. `shift` and `part` apply what stands before the atom. All of them raise
ValueError or OverflowError for a day that does not exist or lies outside the years 1 to 9999.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count

from remanence.text.parts import calendar_words as words

Period = tuple[datetime, datetime]
Match = re.Match[str]

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_MONTHS_IN = {"month": 1, "year": 12, "decade": 120}
_SHORT = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}


def midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _months(index: int, n: int) -> Period:
    """`n` whole months from month number `index`, where January of year 1 is 12."""
    return datetime(index // 12, index % 12 + 1, 1), datetime((index + n) // 12, (index + n) % 12 + 1, 1)


def _hours(day: datetime, name: str | None) -> Period:
    first, last = words.HOURS[name] if name else (0, 24)
    return day + timedelta(hours=first), day + timedelta(hours=last)


def _unit(unit: str, now: datetime, k: int) -> Period:
    """The `k`-th minute, day, week, month, ... of the calendar after the one that holds `now`."""
    if n := _MONTHS_IN.get(unit):
        return _months(((now.year * 12 + now.month - 1) // n + k) * n, n)
    if length := _SHORT.get(unit):
        start = midnight(now) + (now - midnight(now)) // length * length + k * length
        return start, start + length
    today = midnight(now)
    if unit in ("day", "night"):
        return _hours(today + k * _DAY, "night" if unit == "night" else None)
    monday = today + k * (2 * _WEEK if unit == "fortnight" else _WEEK) - today.weekday() * _DAY
    return (monday + 5 * _DAY if unit == "weekend" else monday), monday + _WEEK


def _away(unit: str, day: datetime, k: int) -> datetime:
    """The day `k` units after `day`; at the end of a shorter month, its last day."""
    if n := _MONTHS_IN.get(unit):
        first, last = _months(day.year * 12 + day.month - 1 + k * n, 1)
        return min(first + (day.day - 1) * _DAY, last - _DAY)
    return day + k * (_SHORT.get(unit) or {"day": _DAY, "night": _DAY, "fortnight": 2 * _WEEK}.get(unit, _WEEK))


class _Turns:
    """Everything a name comes back as: a weekday once a week; a month, season or holiday once a year."""

    def __init__(self, name: str, now: datetime) -> None:
        self.name, self.now, self.today = words.plain(name), now, midnight(now)
        self.weekly = self.name in words.WEEKDAY_OF
        self.here = (now.toordinal() - 1) // 7 if self.weekly else now.year  # the number of this week, or year

    def __getitem__(self, i: int) -> Period:
        if self.weekly:
            return _hours(datetime.fromordinal(7 * i + 1 + words.WEEKDAY_OF[self.name]), None)
        if month := words.MONTH_OF.get(self.name) or words.SEASON_OF.get(self.name):
            return _months(i * 12 + month - 1, 3 if self.name in words.SEASON_OF else 1)
        return _hours(datetime.combine(words.holiday(self.name, i), datetime.min.time()), None)

    def last(self, k: int = 1) -> Period:
        """The `k`-th latest that was over before today."""
        return self[next(i for i in count(self.here + 1, -1) if self[i][1] <= self.today) + 1 - k]

    def next(self, k: int = 1) -> Period:
        """A weekday: of the `k`-th week after this one. Others: the `k`-th that has not begun."""
        first = self.here + 1 if self.weekly else next(i for i in count(self.here) if self[i][0] > self.now)
        return self[first + k - 1]

    def bare(self, coming: bool) -> Period:
        if coming:
            return next(turn for turn in map(self.__getitem__, count(self.here - 1)) if turn[1] > self.today)
        if self.weekly:
            return self.last()
        return next(turn for turn in map(self.__getitem__, count(self.here, -1)) if turn[0] <= self.now)

    def which(self, word: str | None, coming: bool) -> Period:
        """With "last", "this", "next" before it, or nothing."""
        word = (word or "").split(" ")[-1]
        if word in ("last", "past", "previous"):
            return self.last()
        if word == "next":
            return self.next()
        if word in ("this", "current"):
            return self[self.here - (self.name == "winter" and self.now.month < 6)]
        return self.bare(coming or word in ("coming", "upcoming"))


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
    return _hours(datetime(year, month, day[0]), None) if day else _months(year * 12 + month - 1, 1)


def _numeric(m: Match, now: datetime, coming: bool) -> Period:
    if len(m["short"]) == 2 and m["dot"] != "/":
        raise ValueError(m["numeric"])  # "3.12.10" is a version
    day, month, year = int(m["first"]), int(m["other"]), int(m["short"]) + (2000 if len(m["short"]) == 2 else 0)
    return _hours(datetime(year, day, month) if month > 12 else datetime(year, month, day), None)


def _years(now: datetime, coming: bool) -> Iterator[int]:
    """The years to try for a day without one, nearest first; 29 February can be eight years away."""
    return iter(range(now.year, now.year + 9)) if coming else iter(range(now.year, now.year - 9, -1))


def _date(m: Match, now: datetime, coming: bool) -> Period:
    month = words.MONTH_OF[(m["m1"] or m["m2"]).rstrip(".")]
    first = _ordinal(m["d1"] or m["d3"])
    last = _ordinal(m["d2"] or m["d4"] or str(first))
    year, tail = m["date_year"], m["date_tail"]
    given = [int(year)] if year else [now.year + _offset(tail)] if tail else None
    for year in given or _years(now, coming):
        try:
            start, end = datetime(year, month, first), datetime(year, month, last) + _DAY
        except ValueError:
            continue
        if given or (end > midnight(now) if coming else start <= now):
            return start, end
    raise ValueError(m["date"])


def _ago(m: Match, now: datetime, coming: bool) -> Period:
    (least, most), unit = _count(m["ago_n"]), m["ago_unit"]
    if unit in words.WEEKDAY_OF or unit in words.SEASON_OF:
        turns = _Turns(unit, now)
        return turns.next(least) if m["hence"] else turns.last(least)
    if m["hence"]:
        return _unit(unit, now, least)[0], _unit(unit, now, most)[1]
    return _unit(unit, now, -most)[0], _unit(unit, now, -least)[1]


def _ahead(m: Match, now: datetime, coming: bool) -> Period:
    least, most = _count(m["ahead_n"])
    return _unit(m["ahead_unit"], now, least)[0], _unit(m["ahead_unit"], now, most)[1]


def _lag(m: Match, now: datetime, coming: bool) -> Period:
    unit, k = m["lag_unit"], -2 if m["lag_last"] else 2
    if unit in words.WEEKDAY_OF or unit in words.SEASON_OF:
        return _Turns(unit, now).last(2) if k < 0 else _Turns(unit, now).next(2)
    return _unit(unit, now, k)


def _which_unit(m: Match, now: datetime, coming: bool) -> Period:
    which, unit = " ".join(m["unit_which"].split()), m["unit_many"] or m["unit_one"]
    k = _offset(which)
    if unit == "weekend" and m["unit_n"]:
        ends = sorted((k, k * _count(m["unit_n"])[1]))
        return _unit(unit, now, ends[0])[0], _unit(unit, now, ends[1])[1]
    if m["unit_n"] or (unit != "weekend" and (which == "the last" or which.endswith("past"))):  # up to now, or from now
        n, floor = _count(m["unit_n"] or "a")[1], now if unit in _SHORT else midnight(now)
        near, far = floor + _SHORT.get(unit, _DAY), _away(unit, floor, k * n)
        return (far, near) if k < 0 else (floor, far + _SHORT.get(unit, _DAY))
    if which == "the" and unit == "weekend" and not coming and now.weekday() < 5:
        k = -1
    start, end = _unit(unit, now, k)
    if m["week_day"]:
        return _hours(start + words.WEEKDAY_OF[m["week_day"]] * _DAY, None)
    return _Turns(m["year_part"], now)[start.year] if m["year_part"] else (start, end)


def _hours_of(m: Match, now: datetime, coming: bool) -> Period:
    return _hours(midnight(now) + _offset(m["hours_which"]) * _DAY, m["hours_of"])


def _day(m: Match, now: datetime, coming: bool) -> Period:
    word, today = m["day_word"], midnight(now)
    if "other" in word:
        return today - _WEEK, today
    k = {"yesterday": -1, "tomorrow": 1}.get(word, 0)
    return _hours(today + k * _DAY, "night" if word == "tonight" else m["day_hours"])


def _named(m: Match, now: datetime, coming: bool) -> Period:
    turns = _Turns(m["name"], now)
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
    return _hours(start, m["name_hours"]) if m["name_hours"] and end - start == _DAY else (start, end)


def _decade(m: Match, now: datetime, coming: bool) -> Period:
    ten = int(m["ten"] or words.DECADE_OF[m["ten_word"]])
    year = int(m["century"] + m["ten"]) if m["century"] else 2000 + ten if 2000 + ten <= now.year else 1900 + ten
    return _months(year * 12, 120)


def _quarter(m: Match, now: datetime, coming: bool) -> Period:
    return _months(int(m["q_year"]) * 12 + int(m["q"]) * 3 - 3, 3)


def _nth(m: Match, now: datetime, coming: bool) -> Period:
    month, step = now.year * 12 + now.month - 1, 1 if coming else -1
    tries = [month + _offset(m["nth_which"])] if m["nth_which"] else range(month, month + 3 * step, step)
    for start, end in (_months(index, 1) for index in tries):
        day = start + (_ordinal(m["nth_day"]) - 1) * _DAY
        if day < end and (m["nth_which"] or (day >= midnight(now) if coming else day <= now)):
            return _hours(day, None)
    raise ValueError(m["nth"])


def _whole(m: Match, now: datetime, coming: bool) -> Period:
    return _months(int(m["whole"]) * 12, 12)


READ: dict[str, Callable[[Match, datetime, bool], Period]] = {
    "iso": _iso, "numeric": _numeric, "date": _date, "ago": _ago, "ahead": _ahead, "lag": _lag, "unit": _which_unit,
    "hours": _hours_of, "day": _day, "named": _named, "decade": _decade, "quarter": _quarter, "nth": _nth,
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
        return _unit(unit, start if k <= 0 else end - timedelta(microseconds=1), k)
    if k < 0:
        return _Turns(unit, start).last(n)
    first, last = _Turns(unit, start if k == 0 else end).bare(coming=True)
    return first + max(k - 1, 0) * _WEEK, last + max(k - 1, 0) * _WEEK


_THIRD = {"early": 0, "start": 0, "beginning": 0, "mid": 1, "middle": 1, "late": 2, "end": 2}
_NTH = {"first": 0, "second": 1, "third": 2, "fourth": 3}


def _slice(period: Period, i: int, n: int) -> Period:
    """The `i`-th of `n` equal parts: in whole months from a quarter of a year on, otherwise in whole days."""
    (start, end), months = period, (period[1] - period[0]).days // 30
    if months >= 3:
        index = start.year * 12 + start.month - 1
        return _months(index + months * i // n, months * (i + 1) // n - months * i // n)
    days = (end - start).days
    return (start + days * i // n * _DAY, start + days * (i + 1) // n * _DAY) if days >= n else period


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
        name, length = ("saturday", 2 * _DAY) if unit == "weekend" else (unit, _DAY)
        first = _Turns(name, end).last()[0] if n < 0 else _Turns(name, start).bare(coming=True)[0] + n * _WEEK
        return first, first + length
    first = _away(unit, end, -1) if n < 0 else _away(unit, start, n)
    return first, min(end, _away(unit, first, 1))
