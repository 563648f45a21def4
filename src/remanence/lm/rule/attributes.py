"""Somebody's something: attributes, favourites, kin and appointments with the value a clause gives them.

Idea:    "Ana's phone number is ..." is about Ana, "Ana's sister is ..." about the sister: a list of nouns tells which.
         A value must look like one: a phone number has digits, a boss has a name.
"""

import re
from dataclasses import dataclass

from remanence.lm.rule.later import Later
from remanence.lm.rule.objects import NAME, appointed, tidy
from remanence.lm.rule.person import WHO
from remanence.lm.rule.relations import ATTRIBUTES, CHECKS, PEOPLE_AND_PETS, VALUED, canonical, single
from remanence.lm.rule.subjects import plain
from remanence.lm.rule.words import UPPER

_OWNED = re.compile(
    r"(?P<owner>.+?)['’]s?\s+(?P<what>[^'’]+?)(?:(?<=boss|ager|lead|isor|mber|mute)\s+(?:at|in)\s+[A-Z][\w ]*"
    r"|\s+(?:these\s+days|right|right\s+now|at\s+the\s+moment|nowadays))?$"
)
_OF = re.compile(r"[Tt]he\s+(?P<what>[\w -]+?)\s+(?:of|for)\s+(?:the\s+)?(?P<owner>.+)$")
_EVENT = re.compile(
    r"\b(?:meeting|appointment|call|interview|party|wedding|flight|deadline|exam|class|dinner|lunch|concert|trip|event"
    r"|review|demo|launch|visit|ceremony|session|workshop|conference|lecture|rehearsal|match|surgery|checkup|check-up"
    r"|presentation|standup|reservation|booking|test|tournament|recital|graduation|funeral)\b(?:\s+(?:with|to"
    r"|about|for)\s+.+)?$"
)
_HAS_EVENT = Later(
    r"(?:has|got)\s+(?:an?|the|WHO's)\s+(?P<what>[\w' -]{3,40}?)\s+(?P<rest>(?:on|at|in)\s+.+)".replace("WHO", WHO)
)
_OF_ANY = re.compile(r"the\s+(?P<what>(?:[a-z-]+\s+){0,2}[a-z-]+)\s+of\s+(?P<owner>[^,.;]+)")
_FAVOURED = re.compile(
    r"(?:all[- ]time |new |absolute |current |old |former )*(?:favou?rite|fav|go-to|number one|top|preferred"
    r"|best-loved) (?:thing to (?:eat|drink|watch|read)|(?!thing|one\b|part\b)[\w-]+(?: [\w-]+){0,2})"
)
# "My flat is in Graz", "my job is at Acme": the noun and its preposition say which relation the place is of.
_PLACED = Later(
    rf"(?P<owner>.+?)['’]s\s+(?:new\s+|own\s+)?(?:(?P<home>flat|apartment|house|home|room|place|studio)"
    rf"|job|office|work|workplace)\s+(?:in|at|with)\s+(?P<where>{NAME})"
)
_FORMER = re.compile(r"(?:old|former|previous|ex|late)\b")
_VAGUE = re.compile(
    r"(?:long|short|in|on|at|from|with|for|by|about|like|very|too|so|quite|really|hard|easy|difficult|good|great|bad|off|out|up"
    r"|ready|gone|there|back|away|getting|what|how|why|always|never|not|(?:\w+ed|led|run)\s+by)\b"
)
OWNER = rf"(?:{WHO}(?:\sand\sothers)?|[{UPPER}][\w-]+(?:\s[{UPPER}][\w-]+)?)"
NAMED = re.compile(NAME)
_ALONE = re.compile(r"\s*(?:$|[(,;–—-]|(?:from|of|at|in|with|who|and|or|as|for)\b)")  # a name goes on no further
_CALLED = re.compile(r"(?:called|named)\s+")
_ON = re.compile(r"(?:on|at|in)\s+")


@dataclass(frozen=True, slots=True)
class Statement:
    """Who - relation - what; the mark WHO stands for the speaker."""

    subject: str
    relation: str
    object: str


def appointment(subject: str, rest: str) -> Statement | None:
    """When or where an event is: "the meeting" + "was moved to Friday", "Ana" + "has a flight at 9"."""
    if _EVENT.search(subject.lower()) and (value := appointed(rest)):
        return Statement(plain(subject), *value)
    if (m := _HAS_EVENT.match(rest)) and _EVENT.search(m["what"]) and (value := appointed(m["rest"])):
        return Statement(f"{plain(subject)}'s {m['what']}", *value)
    return None


def complement(subject: str, rest: str) -> Statement | None:
    """What follows "is": the value of an attribute, or of whom or what the subject is one."""
    if (m := _OF_ANY.match(rest)) and re.match(rf"{NAME}$", subject):
        if m["what"].split()[-1] not in ATTRIBUTES:
            return None
        return Statement(plain(tidy(m["owner"], many=False)), canonical(m["what"]), subject)
    if m := _PLACED.match(f"{subject} {rest}"):
        return Statement(plain(m["owner"]), "lives_in" if m["home"] else "works_at", m["where"].rstrip(".,"))
    return of_subject(subject, rest, checked=True)


def former(subject: str) -> bool:
    """Whether the subject is an attribute that somebody had once: "my old boss"."""
    m = owned_attribute(subject)
    return bool(m and _FORMER.match(m["what"]))


def owned_value(owner: str, what: str, value: str, *, sure: bool = False, checked: bool = True) -> Statement | None:
    """The statement that the owner's attribute has this value; `sure` wants one that can be told from other words."""
    what = what.lower()
    favoured = bool(_FAVOURED.fullmatch(what)) or what in ("favourite", "favorite")
    head, relation = what.split()[-1], canonical(what)
    if not favoured and head not in ATTRIBUTES | PEOPLE_AND_PETS:
        return None
    if sure and not (favoured or single(relation) or relation in CHECKS or head in PEOPLE_AND_PETS):
        return None
    return attribute(owner, what, value, checked=checked)


def owned_attribute(subject: str) -> re.Match[str] | None:
    """The match that says whose attribute the subject is, if it is one."""
    m = _OF.match(subject) if subject.startswith(("The ", "the ")) else None
    m = m or _OWNED.match(subject)
    head = m["what"].lower().split()[-1] if m and m["what"].split() else ""
    return m if head in ATTRIBUTES or (m and _FAVOURED.fullmatch(m["what"].lower())) else None


def of_subject(subject: str, rest: str, *, checked: bool) -> Statement | None:
    """ "Ana's phone number" + value, "the capital of France" + value, "the wifi password" + value."""
    if called := _CALLED.match(rest):
        rest = rest[called.end() :]
    m = owned_attribute(subject)
    if m:
        return attribute(m["owner"], m["what"], rest, checked=checked)
    named = _OWNED.match(subject)
    if (
        named
        and named["what"].split()[-1].lower() in PEOPLE_AND_PETS
        and (value := re.match(rf"{NAME}(?=\s*(?:[.,!;]|$))", rest))
        and checked
    ):
        return Statement(plain(named["owner"]), named["what"].split()[-1].lower(), value.group().rstrip("."))
    value_text = tidy(rest, many=False)
    head = subject.lower().split()[-1]
    general = subject.startswith(("The ", "the ", "Our ", "our "))
    if value_text and (head in VALUED or not checked) and general:
        return Statement(plain(subject), "value", value_text)
    return None


def attribute(owner: str, what: str, value: str, *, checked: bool) -> Statement | None:
    """The statement that the owner's attribute has this value; `checked` wants it to look like one."""
    relation, value = canonical(what), tidy(value, many=False) or tidy(_ON.sub("", value), many=False)
    if relation == "name" and (nested := _OWNED.match(owner)):  # "Ana's dog's name is Rex"
        owner, relation = nested["owner"], canonical(nested["what"].split()[-1])
    someone = relation in PEOPLE_AND_PETS
    check = NAMED if checked and someone else CHECKS.get(relation)
    found = check.match(value) if checked and check else None
    if not value or (checked and ((check and not found) or _VAGUE.match(value))):
        return None
    if found and someone and checked:
        return (
            Statement(plain(owner), relation, found.group().rstrip(".,")) if _ALONE.match(value, found.end()) else None
        )
    return Statement(plain(owner), relation, value)
