"""What time a text speaks about: "last summer", "since March", "5/3/2024", "two weeks before Christmas".

Idea:    a compiled grammar finds time phrases; each names a period of the calendar around `now`; the words before it
         say whether the text speaks of what fell in that period, before it, after it, since it or until it.
Cost:    about 0.04 ms for a question and 20 ms to import; no model calls.
Differs: English only. dateparser 1.5.0 was measured and left: of 60 phrases, its search_dates (day first, first of the
         month) gave the right first day for 26 of the 40 with a time and fired on 9 of the 20 without ("we" is
         Wednesday). It gives points for most periods, and costs 80 ms to import, 110 ms at the first call and
         0.7 ms at each.

The choices, where English leaves one:
- 5/3/2024 is 5 March (day first), unless only the other order is a date: 3/25/2024 is 25 March.
- Weeks start on Monday, a weekend is Saturday and Sunday, seasons are the northern ones of three whole months.
- A bare month, season, holiday or day of the year is the latest that has begun; a bare weekday the latest before today.
  In a sentence about the future ("will", "going to", "see you") it is the coming one instead. "Thursday 16 October"
  is in the closest year that has such a Thursday.
- "last Saturday" is the latest before today, "this Saturday" that of this week, "next Saturday" that of next week.
- "last month" is the month before this one; "the last month" and "the past month" are the month up to now.
- "N weeks ago" is the whole calendar week that holds that day, and so with months and years.
- Days are those of the time zone of `now`; without a zone it is taken as UTC.
Not read: clock times, lunar holidays, weekly habits ("on Mondays"), durations ("for two years"), "recently", "one day".
A question about a habit ("What does she wear in winter?") is taken for one about the latest winter.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from remanence.text.parts.english import calendar_words as words
from remanence.text.parts.english.calendar_periods import READ, Match, part, shift
from remanence.text.parts.english.calendar_units import Period
from remanence.text.parts.english.calendar_words import Relation

EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
Tense = Literal["past", "coming", "either"]
_NEAR = 300  # characters either side of a phrase that may say whether its sentence is about the future


@dataclass(frozen=True)
class Span:
    """A period a text names, in UTC, end exclusive, and how the text stands to it."""

    start: datetime
    end: datetime
    text: str
    relation: Relation

    @property
    def period(self) -> Period:
        """From when to when, end exclusive, that happened which the text speaks of."""
        start = {"after": self.end, "before": EVER[0], "until": EVER[0]}.get(self.relation, self.start)
        end = {"before": self.start, "since": EVER[1], "after": EVER[1]}.get(self.relation, self.end)
        return start, end

    def holds(self, at: datetime) -> bool:
        """Whether something that happened at `at` is spoken of."""
        start, end = self.period
        return start <= at < end


def spans(text: str, now: datetime) -> list[Span]:
    """The times a question asked at `now` speaks about, in the order of the text."""
    return _spans(text, now, near=False)


def resolve(text: str, at: datetime) -> list[Span]:
    """The times an event's text speaks about, said at `at`: "I ran a race last Saturday" gives that Saturday.

    Unlike a question, what is told may lie ahead: "Joyce can come in February" is the closest February, unless the
    sentence is in the past tense.
    """
    return _spans(text, at, near=True)


def _spans(text: str, now: datetime, near: bool) -> list[Span]:
    zone, low = UTC if now.utcoffset() is None else now.tzinfo, _lower(text)
    found = []
    for one, two in _pairs(low, _phrases(text, low, now.replace(tzinfo=None), near)):
        try:
            start, end = (at.replace(tzinfo=zone).astimezone(UTC) for at in (_range(one, two) if two else one.period()))
        except (ValueError, OverflowError):  # 30 February, or beyond the years 1 to 9999
            continue
        if start < end:  # a zone may skip a day
            relation = "in" if two else words.RELATION_OF.get(one.pre, "in")
            found.append(Span(start, end, text[one.head.start() : (two or one).atom.end()], relation))
    return found


@dataclass(frozen=True)
class _Phrase:
    """A time phrase in a lower-case text, and the clock it is read against."""

    atom: Match
    head: Match
    pre: str  # the preposition
    now: datetime
    tense: Tense
    sure: bool  # it is a time even when it is not one end of a range

    @property
    def floating(self) -> bool:
        """Whether it recurs, and the phrase itself does not say which one is meant."""
        given = ("date_year", "date_tail", "nth_which", "which", "year", "tail")
        return self.atom.lastgroup in ("named", "date", "nth") and not any(self.atom[name] for name in given)

    def period(self) -> Period:
        assert self.atom.lastgroup
        read = partial(READ[self.atom.lastgroup], self.atom, self.now)
        period = read(self.tense == "coming")
        if self.floating and self.tense == "either":
            ahead = read(True)
            period = ahead if ahead[0] - self.now < self.now - period[1] else period
        return shift(part(period, self.head), self.head)


def _lower(text: str) -> str:
    """Lower case of the same length: "İ" would become two characters."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _phrases(text: str, low: str, now: datetime, near: bool) -> list[_Phrase]:
    found: list[_Phrase] = []
    for atom in words.ATOM.finditer(low):
        head = words.HEAD.search(low, max(0, atom.start() - 60), atom.start())
        assert head
        pre = " ".join((head["pre"] or "").split())
        if pre == "from" and words.ONWARDS.match(low, atom.end()):
            pre = "since"
        tense = _tense(text, atom, near)
        sure = _is_time(text, low, atom, head, pre, tense)
        while sure and found and found[-1].atom.end() > head.start():  # "the last week" of "the last week of June"
            found.pop()
        found.append(_Phrase(atom, head, pre, now, tense, sure))
    return found


def _tense(text: str, atom: Match, near: bool) -> Tense:
    """Of the sentence around an atom. "either" only where what is `near` may lie ahead."""
    start, end = atom.span()
    begin = max(max(text.rfind(mark, 0, start) for mark in ".!?\n") + 1, start - _NEAR)
    stop = words.STOP.search(text, end, end + _NEAR)
    sentence = text[begin : stop.start() if stop else end + _NEAR]
    if words.COMING.search(sentence):
        return "coming"
    return "either" if near and (words.OPEN.search(sentence) or not words.PAST.search(sentence)) else "past"


def _pairs(low: str, phrases: list[_Phrase]) -> Iterator[tuple[_Phrase, _Phrase | None]]:
    """The two ends of each range, and each other phrase that is a time by itself."""
    used = False
    for one, two in zip(phrases, [*phrases[1:], None], strict=False):
        if used:
            used = False
        elif two and _is_range(low, one, two):
            used = True
            yield one, two
        elif one.sure:
            yield one, None


def _is_range(low: str, one: _Phrase, two: _Phrase) -> bool:
    join = words.JOIN.fullmatch(low, one.atom.end(), two.head.start("phrase"))
    if not join:
        return False
    if join["also"]:
        return one.pre == "between"
    return one.pre in ("between", "from") or (one.sure and two.sure)


def _range(one: _Phrase, two: _Phrase) -> Period:
    """From the start of one to the end of the other; where only one says its year, the other goes with it."""
    if two.floating and not one.floating:
        start = one.period()[0]
        return start, replace(two, now=start, tense="coming").period()[1]
    last = two.period()
    first = replace(one, now=last[0], tense="past") if one.floating else one
    return first.period()[0], last[1]


def _is_time(text: str, low: str, atom: Match, head: Match, pre: str, tense: Tense) -> bool:
    """Whether the words around an atom make it a time; most atoms are one anyhow."""
    bound = bool(head["third"] or head["nth"] or head["shift"])
    if _is_vetoed(low, atom, head):
        return False
    match atom.lastgroup:
        case "named":
            return _is_named_time(text, low, atom, pre, bound)
        case "date":
            return _is_date(text, low, atom)
        case "unit":
            if atom["unit_which"] == "the":
                return bound or (atom["unit_one"] == "weekend" and pre in words.WEEKEND_PRE)
            return not (atom["unit_n"] and atom["unit_which"] in ("this", "current"))
        case "ahead":
            return bool(
                atom["ahead_sure"]
                or tense == "coming"
                or words.DUE.search(low, max(0, atom.start() - 40), atom.start())
            )
        case "decade":
            return bool(bound or atom["century"] or head["the"])
        case "nth":
            return bool(atom["nth_which"] or words.FOLLOW.match(low, atom.end()))
        case "whole":
            return bound or (pre in words.YEAR_PRE and not head["the"])
    return True


def _is_vetoed(low: str, atom: Match, head: Match) -> bool:
    """After "every Monday", "my last year", "his late 40s", "half an hour ago"."""
    bare = atom.lastgroup == "named" and not (atom["which"] or atom["year"])
    veto = words.NOT_AFTER.get("bare" if bare else atom.lastgroup or "")
    return bool(veto and veto.search(low, max(0, head.start() - 12), head.start()))


def _is_named_time(text: str, low: str, atom: Match, pre: str, bound: bool) -> bool:
    """Months, weekdays, seasons and holidays, some of which are also names, verbs or nouns."""
    name, which = words.plain(atom["name"]), (atom["which"] or "").split()
    if atom["year"] or atom["tail"]:
        return True
    if name in words.VERBS and words.MODAL.match(low, atom.end()):
        return False  # "this May be", "last May not"
    if name in words.VERBS and text[atom.start("name")].islower() and ("this" in which or pre == "at"):
        return False  # "this may", "at last may I"
    bound = bound or bool(which)
    if name in words.MONTH_OF:
        if name in words.NAMELIKE and words.OWNS.match(low, atom.end()):
            return False  # "in April's garden"
        return bound or pre in words.TIMELY or (name in words.MONTHS and name not in words.NAMELIKE)
    if name in words.WEEKDAY_OF:
        short = name not in words.WEEKDAYS
        return (
            not short
            or bound
            or (pre in words.DAY_PRE and (name not in words.VERBS or text[atom.start("name")].isupper()))
        )
    if name in words.SEASON_OF:
        return bound or pre in (words.SEASON_PRE if name == "fall" else words.TIMELY)
    return bound or pre in words.HOLIDAY_PRE or bool(words.FOLLOW.match(low, atom.end()))


def _is_date(text: str, low: str, atom: Match) -> bool:
    """Days of a month, but not "the second march", "two or 3 may come", "I may second that"."""
    month = "m1" if atom["m1"] else "m2"
    if (atom["d1"] or "") in words.ORDINAL_OF and not atom["of"]:
        return False
    if atom["date_year"] or atom["date_tail"] or atom["of"] or atom["the"] or atom[month] not in words.VERBS:
        return True
    return text[atom.start(month)].isupper() or bool(words.FOLLOW.match(low, atom.end()))
