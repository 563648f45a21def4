"""The words of the calendar and the grammar of a time phrase: tables and patterns, no arithmetic but Easter's.

All patterns but COMING read lower-case text. ATOM finds what may be a time, and the name of the outermost group that
matched says of which sort. HEAD reads back from where an atom starts: a preposition, "the week before", "early".
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

_MONTHS = "january february march april may june july august september october november december"
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"
MONTHS, WEEKDAYS = _MONTHS.split(), _WEEKDAYS.split()
SEASON_OF = {"winter": 12, "spring": 3, "summer": 6, "autumn": 9, "fall": 9}  # first month; north of the equator
HOURS = {"morning": (4, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (18, 30)}  # 30: 6 the next day

MONTH_OF = {name[:n]: i for i, name in enumerate(MONTHS, 1) for n in (3, len(name))} | {"sept": 9}
WEEKDAY_OF = {name[:n]: i for i, name in enumerate(WEEKDAYS) for n in (3, len(name))}
WEEKDAY_OF |= {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
NAMELIKE = {"april", "may", "june", "august", "march", "jan", "mar"}  # also people, or verbs: need a preposition

_NUMBERS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
NUMBER_OF = {word: i for i, word in enumerate([*_NUMBERS.split(), "eighteen", "nineteen", "twenty"], 1)}
NUMBER_OF |= {"a": 1, "an": 1, "thirty": 30}
VAGUE = {"couple": (2, 2), "few": (2, 5), "several": (3, 7)}  # at least, at most

_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
_ORDINALS += " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
ORDINAL_OF = {word: i for i, word in enumerate(_ORDINALS.split(), 1)}
ORDINAL_OF |= {f"twenty-{word}": 20 + i for word, i in ORDINAL_OF.items() if i < 10}
ORDINAL_OF |= {"thirtieth": 30, "thirty-first": 31}

DECADE_OF = {"noughties": 0, "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60}
DECADE_OF |= {"seventies": 70, "eighties": 80, "nineties": 90}

Relation = Literal["in", "before", "after", "since", "until"]
RELATION_OF: dict[str, Relation] = {
    "since": "since",
    "before": "before",
    "prior to": "before",
    "after": "after",
    "following": "after",
}
RELATION_OF |= {"until": "until", "till": "until", "by": "until", "up to": "until", "as of": "until"}
TIMELY = {*RELATION_OF, "in", "during", "throughout", "around", "over", "back in"} - {
    "by",
    "following",
}  # before a time
DAY_PRE = {*RELATION_OF, "on", "from"}  # before "Fri"
WEEKEND_PRE = {"over", "at", "on", "during", "in", "for", *RELATION_OF}  # before "the weekend"
HOLIDAY_PRE = {*TIMELY, "at", "on", "for", "by"}
SEASON_PRE = {"in", "during", "over", "since", "back in"}  # before "the fall", which one may also take
YEAR_PRE = {*TIMELY, "by", "from", "circa", "between"} - {"over", "up to"}
VERBS = {"may", "march", "mar", "sun", "sat", "wed"}

_HOLIDAYS = {
    "new year's eve": (12, 31), "new year's day": (1, 1), "new year's": (1, 1), "new year": (1, 1),
    "valentine's day": (2, 14), "valentine's": (2, 14), "valentines": (2, 14), "st. patrick's day": (3, 17),
    "april fools' day": (4, 1), "halloween": (10, 31), "bonfire night": (11, 5), "christmas eve": (12, 24),
    "christmas day": (12, 25), "christmas": (12, 25), "xmas": (12, 25), "boxing day": (12, 26),
}  # fmt: skip
_EASTER = {"good friday": -2, "easter sunday": 0, "easter monday": 1, "easter": 0}  # days from Easter


def plain(name: str) -> str:
    """A name without the apostrophes, stops and wide blanks that people may or may not write."""
    return " ".join(re.sub("['’.]", "", name).split())


_PLAIN_HOLIDAYS = {plain(name): day for name, day in _HOLIDAYS.items()}


def holiday(name: str, year: int) -> date:
    """The day of a holiday, by its `plain` name."""
    if name == "thanksgiving":  # the American one, the fourth Thursday of November
        return date(year, 11, 22 + (3 - date(year, 11, 22).weekday()) % 7)
    if name not in _EASTER:
        return date(year, *_PLAIN_HOLIDAYS[name])
    a, (b, c) = year % 19, divmod(year, 100)  # Easter Sunday by Meeus, Jones and Butcher
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    month, day = divmod(h + k - 7 * ((a + 11 * h + 22 * k) // 451) + 114, 31)
    return date(year, month, day + 1) + timedelta(days=_EASTER[name])


def _any(words: Iterable[str]) -> str:
    """An alternation, longest word first; apostrophes and stops may be missing and a blank may be wide."""
    longest = sorted(words, key=len, reverse=True)
    return "|".join(re.sub("['’]", "['’]?", word.replace(".", r"\.?").replace(" ", r"\s+")) for word in longest)


_N = rf"(?:(?:an?\s+)?(?:couple(?:\s+of)?|few)|several|{_any(NUMBER_OF)}|\d{{1,3}})"
_YEAR = r"(?:1[5-9]|20|21)\d\d"
_MONTH = rf"(?:{_any(MONTH_OF)})\b(?:\.(?=,?\s*\d))?"
_WEEKDAY = rf"(?:{_any(WEEKDAY_OF)})\b\.?"
_HOURS = _any(HOURS)
_NAMED = rf"(?:{_any([*_HOLIDAYS, *_EASTER, 'thanksgiving'])}|{_any(MONTH_OF)}|{_any(WEEKDAY_OF)}|{_any(SEASON_OF)})"
_LONG = r"week(?:end)?|fortnight|month|year|decade"
_UNIT = rf"minute|hour|day|night|{_LONG}"
_TURN = rf"{_UNIT}|{_any(WEEKDAYS)}|{_any(SEASON_OF)}"
_WHICH = r"(?:this\s+|the\s+)?(?:last|past|previous|coming|next)|this|current|upcoming"
_DAY = rf"\d{{1,2}}(?:st|nd|rd|th)?|{_any(ORDINAL_OF)}"
_TO = r"\s*(?:-|–|to|and|until|till|through)\s*(?:the\s+)?"
_COUNTED = "people|words|pages|steps|miles|km|met(?:re|er)s|euros|dollars|pounds|calories|times|books|pieces"

ATOM = re.compile(
    rf"""(?<![\w/$£€#])(?:
    (?P<iso>\d{{4}}[-/]\d\d(?:[-/]\d\d(?:[t\s]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:z|[+-]\d\d:?\d\d)?)?)?)(?![\w/-])
    | (?P<numeric>(?P<first>\d{{1,2}})(?P<dot>[/.-])(?P<other>\d{{1,2}})(?P=dot)(?P<short>\d\d(?:\d\d)?))(?![\w/-])
    | (?P<date>(?:(?P<weekday>{_WEEKDAY}),?\s+(?:the\s+)?)?
        (?: (?P<d1>{_DAY})(?:{_TO}(?P<d2>{_DAY}))?\s+(?P<of>of\s+)?(?P<m1>{_MONTH})
          | (?P<m2>{_MONTH})\s+(?P<the>the\s+)?(?P<d3>{_DAY})(?![\d:]|th)(?:{_TO}(?P<d4>{_DAY})(?!\d|\s+{_MONTH}))?)
        (?:,?\s+(?:of\s+|in\s+)?(?P<date_year>{_YEAR})\b|\s+(?:of\s+)?(?P<date_tail>last|this|next)\s+year\b)?)(?!\w|,?\s+\d{{4}}\b)
    | (?P<ago>(?P<ago_n>{_N})\s+(?P<ago_unit>{_TURN})s?\s+(?:ago|back|(?P<hence>from\s+(?:now|today)))\b)
    | (?P<ahead>in\s+(?P<ahead_n>{_N})\s+(?P<ahead_unit>{_UNIT})s?\b(?:['’]?\s+(?P<ahead_sure>time)\b)?)
    | (?P<lag>(?:the\s+)?(?P<lag_unit>{_TURN})\s+(?:before\s+(?P<lag_last>last)|after\s+next)\b
        (?!\s+(?:{_NAMED}|{_LONG}|night)\b))
    | (?P<unit>(?P<unit_which>{_WHICH}|the)\s+
        (?:(?P<unit_n>{_N})\s+(?P<unit_many>{_UNIT})s?\b|(?P<unit_one>{_LONG}|hour)\b
          (?:(?<=week)(?:\s+on)?\s+(?P<week_day>{_any(WEEKDAYS)})\b|(?<=year),?\s+(?:in|on|at)\s+(?P<year_part>{_NAMED})\b)?))
    | (?P<hours>(?P<hours_which>this|last)\s+(?P<hours_of>{_HOURS})\b)
    | (?P<day>(?P<day_word>yesterday|today|tonight|tomorrow|the\s+other\s+day)\b(?:\s+(?P<day_hours>{_HOURS})\b)?)
    | (?P<nth>(?:on\s+the|(?P<nth_weekday>{_WEEKDAY})(?:,?\s+the)?)\s+(?P<nth_day>\d{{1,2}}(?:st|nd|rd|th))\b
        (?!\s+(?:of\s+)?{_MONTH})(?:\s+of\s+(?P<nth_which>last|this|next)\s+month\b)?)
    | (?P<named>(?:(?P<which>{_WHICH})\s+)?(?P<name>{_NAMED})\b(?:\.(?=\s\d))?(?:\s+(?P<name_hours>{_HOURS})\b)?
        (?:(?:,|\s+of|\s+in)?\s+(?P<year>{_YEAR})\b|\s+(?:of\s+)?(?P<tail>last|this|next)\s+(?P<tail_unit>week|year)\b)?)(?!,?\s+\d{{4}}\b)
    | (?P<decade>['’]?(?P<century>1[5-9]|20)?(?P<ten>\d0)['’]?s\b|(?P<ten_word>{_any(DECADE_OF)})\b)
    | (?P<quarter>q(?P<q>[1-4])\s+(?:of\s+)?(?P<q_year>{_YEAR})\b)
    | (?P<whole>{_YEAR})(?![\w%]|[.,:/-]\d|\s+(?:{_COUNTED})\b)
    )""",
    re.VERBOSE,
)

_PRE = _any({*RELATION_OF, *TIMELY, "on", "at", "for", "from", "between", "within", "for the", "circa"})
HEAD = re.compile(
    rf"""(?:\b(?P<pre>{_PRE})\s+(?:(?:about|around|roughly|sometime(?:\s+in)?)\s+)?)?
    (?P<phrase>
        (?:(?:the\s+)?(?:(?P<shift_n>{_N})\s+)?\b(?P<shift>{_TURN})s?\s+(?P<side>before|after|following|of|from)\s+(?:the\s+)?)?
        (?:(?:the\s+)?(?:very\s+)?\b(?:
            (?P<third>early|mid|middle|late|start|beginning|end)(?:\s+|-)(?:of\s+|in\s+)?
          | (?P<nth>first|second|third|fourth|last)\s+(?P<nth_unit>half|{_TURN})\s+(?:of|in)\s+)(?:the\s+)?)?
        (?P<the>the\s+)?)$""",
    re.VERBOSE,
)

JOIN = re.compile(r"\s*(?:(?P<also>and)|to|until|till|through|thru|up\s+to|-|–|—)\s*(?:the\s+)?")
_HABIT = re.compile(
    r"\b(?:every|each|any|an?|some|another|one|that|same|most|usually|black|ash|palm|cyber|happy|merry|"
    r"my|your|his|her|its|our|their)\s+$"
)
_OWN = re.compile(r"\b(?:my|your|his|its|our|their)\s+$")
NOT_AFTER = {"bare": _HABIT, "decade": _HABIT, "unit": _OWN, "ago": re.compile(r"\bhalf\s+$")}  # no time after these
FOLLOW = re.compile(
    r"\s*(?:$|[^\w\s'’])|\s+(?:and|or|but|to|at|in|on|for|with|until|till|from|by|about|when|where|that|which|this|the|"
    r"we|i|you|he|she|it|they|my|our|his|her|their|was|is|were|are|did|do|does|had|has|have|will|would|because|so|as|if|"
    r"after|before|since|then|there|went|came|got|last|next|\d+)\b"
)
MODAL = re.compile(r"\s+(?:be|not|have|also|well|take|need|want|seem|look|get|surprise|sound|help|or\s+may)\b")
OWNS = re.compile("['’]s")
ONWARDS = re.compile(r"\s+on(?:wards?)?\b")
STOP = re.compile(r"[.!?\n]")
PAST = re.compile(
    r"\b(?:did|was|were|had|been|went|got|came|saw|made|took|gave|ate|met|left|said|told|bought|brought|found|felt|kept|"
    r"lost|won|ran|swam|sold|thought|wrote|began|spent|sang|drove|flew|fell|\w{2,}ed)\b"
)
OPEN = re.compile(
    r"\b(?:can|could|should|would|may|might|must|want|wants|wanna|need|needs|plan|plans|planning|if)\b|['’]d\b"
)
COMING = re.compile(
    r"\bwill\b|\bWill (?:we|you|I|he|she|they|it|the|there)\b|['’]ll\b|"
    r"(?i:\b(?:won['’]?t|shall|gonna|going\s+to|see\s+you|let['’]?s|how\s+about|wanna|upcoming|looking\s+forward)\b)"
)
DUE = re.compile(r"\b(?:is|are|am|i['’]m|it['’]s|we['’]re|they['’]re|you['’]re)\s+(?:[\w']+\s+){0,2}$")
