"""Whole units of the calendar, and the names that come back in it: naive local times, end exclusive.

All of it raises ValueError or OverflowError for a day that does not exist or lies outside the years 1 to 9999.
"""

from datetime import datetime, timedelta
from itertools import count

from remanence.text.parts.english import calendar_words as words

Period = tuple[datetime, datetime]

DAY, WEEK = timedelta(days=1), timedelta(days=7)
MONTHS_IN = {"month": 1, "year": 12, "decade": 120}
SHORT = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}


def midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def whole_months(index: int, n: int) -> Period:
    """`n` whole months from month number `index`, where January of year 1 is 12."""
    return datetime(index // 12, index % 12 + 1, 1), datetime((index + n) // 12, (index + n) % 12 + 1, 1)


def hours_of(day: datetime, name: str | None) -> Period:
    first, last = words.HOURS[name] if name else (0, 24)
    return day + timedelta(hours=first), day + timedelta(hours=last)


def unit_period(unit: str, now: datetime, k: int) -> Period:
    """The `k`-th minute, day, week, month, ... of the calendar after the one that holds `now`."""
    if n := MONTHS_IN.get(unit):
        return whole_months(((now.year * 12 + now.month - 1) // n + k) * n, n)
    if length := SHORT.get(unit):
        start = midnight(now) + (now - midnight(now)) // length * length + k * length
        return start, start + length
    today = midnight(now)
    if unit in ("day", "night"):
        return hours_of(today + k * DAY, "night" if unit == "night" else None)
    monday = today + k * (2 * WEEK if unit == "fortnight" else WEEK) - today.weekday() * DAY
    return (monday + 5 * DAY if unit == "weekend" else monday), monday + WEEK


def away(unit: str, day: datetime, k: int) -> datetime:
    """The day `k` units after `day`; at the end of a shorter month, its last day."""
    if n := MONTHS_IN.get(unit):
        first, last = whole_months(day.year * 12 + day.month - 1 + k * n, 1)
        return min(first + (day.day - 1) * DAY, last - DAY)
    return day + k * (SHORT.get(unit) or {"day": DAY, "night": DAY, "fortnight": 2 * WEEK}.get(unit, WEEK))


class Turns:
    """Everything a name comes back as: a weekday once a week; a month, season or holiday once a year."""

    def __init__(self, name: str, now: datetime) -> None:
        self.name, self.now, self.today = words.plain(name), now, midnight(now)
        self.weekly = self.name in words.WEEKDAY_OF
        self.here = (now.toordinal() - 1) // 7 if self.weekly else now.year  # the number of this week, or year

    def __getitem__(self, i: int) -> Period:
        if self.weekly:
            return hours_of(datetime.fromordinal(7 * i + 1 + words.WEEKDAY_OF[self.name]), None)
        if month := words.MONTH_OF.get(self.name) or words.SEASON_OF.get(self.name):
            return whole_months(i * 12 + month - 1, 3 if self.name in words.SEASON_OF else 1)
        return hours_of(datetime.combine(words.holiday(self.name, i), datetime.min.time()), None)

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
