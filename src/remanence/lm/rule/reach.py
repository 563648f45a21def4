"""How somebody is called, and how they are reached.

Idea:    "call me Annie" names; "call me on ...", "the number to reach me is ..." give a number or an address.
"""

import re

from remanence.lm.rule.attributes import Statement
from remanence.lm.rule.later import Later
from remanence.lm.rule.objects import NAME
from remanence.lm.rule.person import WHO
from remanence.lm.rule.relations import CHECKS

_CALLED = Later(rf"(?:.*\s)?[Cc]alls?\s+{WHO}\s+(?P<name>{NAME})")
_VIA = r"(?:\s+(?:now|from\s+now\s+on|any\s*time))?\s+(?:at|on|via|under|with)"
_REACH = Later(
    rf"(?P<before>.*?)(?:\b(?:reach|contact|email|call|text|phone|ring|message|find)\s+{WHO}{_VIA}"
    rf"|{WHO}\s+(?:can\s+(?:now\s+)?be\s+(?:reached|contacted|called)|is\s+(?:now\s+)?reachable){_VIA}"
    rf"|{WHO}\s+is\s+(?:now\s+)?on(?=\s+\+?\d)|\buse(?=\s+\+?\d[\d -]+\d\s+to\s+(?:call|reach|text|contact)\s+{WHO})"
    rf"|\b(?:dial|call|text|ring)(?=\s+\+?\d[\d -]{{4,}}\s+(?:if|to|when|whenever|for)\b[^.]*{WHO})"
    rf"|{WHO}\s+(?:has\s+)?(?:switched|changed)\s+to(?:\s+(?:an?\s+)?new\s+number[,:]?)?(?=\s+\+?\d)"
    r"|\buse(?=\s+\+?\d[\d -]{4,}\d\s+(?:instead|from|now)\b)"
    r"|\bnumber\b.*?\bnew\s+(?:one|number)(?:\s+is|:)"
    rf"|\b(?:number|address|email|line)\s+(?:to\s+\w+|for)\s+{WHO}(?:\s+(?:on|at|with))?\s+is(?:\s+now)?)"
    r"\s+(?P<value>\S*[\w)](?:[ -]?\d+)*)",
    re.IGNORECASE,
)
_VALUE = Later(r"\d{3}|@")
_DENIED = Later(r"n['’]t\b|\bnot\b|\bnever\b|\bno\s+longer\b", re.IGNORECASE)


def reached(clause: str) -> Statement | None:
    """The speaker's other name, number or address."""
    if "all" in clause and (m := _CALLED.match(clause)):
        return Statement(WHO, "goes_by", m["name"].rstrip(".,!"))
    m = _REACH.match(clause) if _VALUE.search(clause) else None
    if m is None:
        return None
    value = m["value"].rstrip(".,!")
    relation = "email" if "@" in value else "phone"
    if not CHECKS[relation].match(value):
        return None
    return Statement(WHO, f"not_{relation}" if _DENIED.search(m["before"]) else relation, value)
