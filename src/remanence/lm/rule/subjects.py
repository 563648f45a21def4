"""Who a clause is about: the words before its verb, when they can be a subject at all.

Idea:    the speaker's mark, a name, somebody's something, or "the ..."; other words before a verb are not a subject.
"""

import re

from remanence.lm.rule.auxiliaries import AUX
from remanence.lm.rule.objects import NAME
from remanence.lm.rule.person import WHO
from remanence.lm.rule.verbs import VERBS
from remanence.lm.rule.words import UPPER, listed

_STEP = re.compile(rf"[\w.&’'{WHO}-]+|,(?=\s+[A-Z])")
_KIN_NAMED = re.compile(rf"(?:.*['’]s)\s+(?:[a-z-]+\s+){{1,3}},?\s*(?P<name>{NAME})\s*,?$")
_OF_SOMEBODY = re.compile(r"[Aa]n?\s+(?P<what>[a-z-]+)\s+of\s+(?P<owner>.+['’]s)$")
_SUBJECT = re.compile(rf"(?:{WHO}|[{UPPER}]|the\s|our\s)")
# What may be a subject: the speaker, a name, somebody's something, "the ...". Not just any words before a verb.
_SUITED = re.compile(
    rf"{WHO}(?: and others)?|(?:{WHO}|{NAME}?)['’]s?"
    rf"(?:\s+(?!(?!wedding|thing\b|meeting|building|evening|training)[a-z]+"
    rf"(?:ing|ed)\b)[\w.&’'-]+){{1,5}}(?:,\s+{NAME},?)?|{NAME}(?:\s+and\s+(?:{NAME}|{WHO}))?|[Tt]he\s+[^,;:!?]+"
    r"|[Aa]n?\s+[a-z-]+\s+of\s+\S+(?:\s\S+)?['’]s"
)
_OPENING = re.compile(
    r"(?:\w+ing|Sounds|Looks|Feels|Seems|Would|Glad|Hope|Hopefully|Almost|Always|Ever|Never|Words|Having"
    r"|Show|Look|Let|Thanks|Maybe|Perhaps|Everyone|Everybody|Nothing|People|Family|Nature|Life|Music"
    r"|Animals|Love|Guess|Not|No|Yes|One|Some|Many|All|Both|Each|Most|Wish|Speaking|Also|Just|So|Such|Here"
    r"|Such|Please|Who|Someone|Anyone|Nobody|\w+['’](?:re|ll|ve|d))\b|(?:It|That|There|What|Here|Who|Let"
    r"|She|He|How|Where)['’]s\b"
)
_UNSUITED = listed("""there it this that these those what which who here he she they you but and if when as""")
CHANGED = re.compile(
    r"\s*(?:(?:has\s+|just\s+|recently\s+)*(?:changed|switched|updated|went\s+(?:up"
    r"|down))(?:\s+from\s+.+?)?\s+to|became|has\s+become)\s+"
)
# Verb phrases that may follow a clipped "is": "Maria's living in Porto", but "Maria's loved ones".
_STATES = frozenset(("allergic_to", "from", "relationship", "born_in", "born_on"))


def subject(clause: str) -> tuple[str, int] | None:
    """(the subject, where it stops), or None when the clause has none that we can name."""
    if not _SUBJECT.match(clause):
        return None
    at = _end(clause)
    if at is None or clause[:at].strip().lower().split()[0] in _UNSUITED:
        return None
    found = clause[:at].rstrip(" ,")
    return (found, at) if _SUITED.fullmatch(found) and not _OPENING.match(found) else None


def plain(found: str) -> str:
    """The subject without its article; of "Ana's sister Maria", Maria."""
    named = _KIN_NAMED.match(found)
    if m := _OF_SOMEBODY.match(found):
        return f"{m['owner']} {m['what']}"
    found = named["name"] if named else found.replace(f"{WHO} and others", WHO)
    return re.sub(r"^(?:[Tt]he|[Oo]ur)\s+", "", found)


def _end(clause: str) -> int | None:
    """Where the subject stops: after WHO, or before the first auxiliary or verb of the table; at most eight words."""
    if clause.startswith(WHO) and not clause.startswith(("'s", "’s"), 1):
        return len(WHO) + (len(" and others") if clause.startswith(" and others", 1) else 0)
    at = 0
    for _ in range(8):
        step = _STEP.match(clause, at)
        if step is None:
            return None
        end = step.end()
        if end - at > 2 and clause[end - 2 : end] in ("'s", "’s") and at == 0 and _clipped(clause, end + 1):
            return end - 2  # "Maria's living in Porto"
        at = end + (clause[end : end + 1] == " ")
        if AUX.match(clause, at) or _is_verb(clause, at) or CHANGED.match(clause, at):
            return at
    return None


def _is_verb(clause: str, at: int) -> bool:
    found = VERBS.match(clause, at)
    return bool(found and found.group())


def _clipped(clause: str, at: int) -> bool:
    found = VERBS.match(clause, at)
    return bool(found and (found.lastgroup in _STATES or found.group().split(" ")[0].endswith("ing")))
