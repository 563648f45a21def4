"""Somebody's something: attributes, favourites, kin and appointments with the value a clause gives them.

Idea:    "Ana's phone number is ..." is about Ana, "Ana's sister is ..." about the sister: a list of nouns tells which.
         A value must look like one: a phone number has digits, a boss has a name.
"""

import re
from dataclasses import dataclass

from remanence.lm.rule.objects import NAME, appointed, tidy
from remanence.lm.rule.person import WHO
from remanence.lm.rule.relations import ATTRIBUTES, CHECKS, PEOPLE_AND_PETS, VALUED, canonical
from remanence.lm.rule.subjects import plain

_OWNED = re.compile(r"(?P<owner>.+?)['’]s?\s+(?P<what>[^'’]+)$")
_OF = re.compile(r"[Tt]he\s+(?P<what>[\w -]+?)\s+(?:of|for)\s+(?:the\s+)?(?P<owner>.+)$")
_EVENT = re.compile(
    r"\b(?:meeting|appointment|call|interview|party|wedding|flight|deadline|exam|class|dinner|lunch|concert|trip|event"
    r"|review|demo|launch|visit|ceremony|session|workshop|conference|lecture|rehearsal|match|surgery|checkup|check-up"
    r"|presentation|standup|reservation|booking|test|tournament|recital|graduation|funeral)\b(?:\s+(?:with|to"
    r"|about|for)\s+.+)?$"
)
_HAS_EVENT = re.compile(
    r"(?:has|got)\s+(?:an?|the|WHO's)\s+(?P<what>[\w' -]{3,40}?)\s+(?P<rest>(?:on|at|in)\s+.+)".replace("WHO", WHO)
)
_FAVOURITE = re.compile(
    rf"(?:(?:one)\s+of\s+)?(?P<owner>{WHO}|{NAME})['’]s\s+(?P<what>(?:all[- ]time\s+)?favou?rite\s+(?!thing"
    rf"|one\b|part\b)\w+(?:\s+(?!to\b|of\b|for\b|in\b|so\b|right\b)\w+)?)"
)
_OWNS = re.compile(
    rf"(?P<owned>{WHO}|{NAME}?)['’]s\s+(?P<kin>(?:[a-z-]+\s+){{0,2}}[a-z-]+)(?=\s*(?:[.,!;]|$))"
    rf"|the\s+(?P<what>(?:[a-z-]+\s+){{0,2}}[a-z-]+)\s+of\s+(?P<owner>[^,.;]+)"
)
_FAVOURED = re.compile(
    r"(?:all[- ]time |new |absolute |current )*(?:favou?rite|fav) (?!thing|one\b|part\b)[\w-]+(?: [\w-]+){0,2}"
)
NAMED = re.compile(NAME)
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
    """What follows "is": somebody's favourite, or the value of an attribute."""
    if m := _FAVOURITE.match(rest):
        relation = "likes" if rest.startswith("one of") else canonical(m["what"].replace("all-time ", ""))
        return Statement(m["owner"], relation, tidy(subject, many=True))
    if (m := _OWNS.match(rest)) and re.match(rf"{NAME}$", subject):
        if (m["what"] or m["kin"]).lower().split()[-1] not in ATTRIBUTES | (PEOPLE_AND_PETS if m["owned"] else set()):
            return None
        return Statement(plain(m["owned"] or tidy(m["owner"], many=False)), canonical(m["what"] or m["kin"]), subject)
    return of_subject(subject, rest, checked=True)


def owned_attribute(subject: str) -> re.Match[str] | None:
    """The match that says whose attribute the subject is, if it is one."""
    m = _OWNED.match(subject) or _OF.match(subject)
    head = m["what"].lower().split()[-1] if m and m["what"].split() else ""
    return m if head in ATTRIBUTES or (m and _FAVOURED.fullmatch(m["what"].lower())) else None


def of_subject(subject: str, rest: str, *, checked: bool) -> Statement | None:
    """ "Ana's phone number" + value, "the capital of France" + value, "the wifi password" + value."""
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
        return Statement(plain(named["owner"]), named["what"].split()[-1].lower(), value.group())
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
        owner, relation = nested["owner"], nested["what"].split()[-1].lower()
    check = NAMED if checked and relation in PEOPLE_AND_PETS else CHECKS.get(relation)
    if not value or (checked and check and not check.match(value)):
        return None
    return Statement(plain(owner), relation, value)
