"""A new value beside its noun: "I have a new manager, X", "new number: X", "here's my new number, X".

Idea:    "new" before an attribute and a value after it; whose it is stands before, or it is the speaker's.
Differs: only attributes whose values can be told from other words (numbers, names, favourites).
"""

import re

from remanence.lm.rule.attributes import OWNER, Statement, owned_value
from remanence.lm.rule.later import Later
from remanence.lm.rule.person import WHO

_GIVEN = Later(
    rf"""(?:(?P<owner>{OWNER})['’]s\s+(?:brand[- ])?new
      | (?P<has>{OWNER}['’]s\s+\w+|{OWNER})\s+(?:(?:has|have|just|now|finally|recently|already|also)\s+)*
          (?:has|have|got|gets|(?:was|were|been)\s+(?:given|assigned))\s+(?:an?|another)\s+(?:brand[- ])?new
      | (?:gave|assigned|given)\s+(?P<to>{OWNER})\s+(?:an?|another)\s+(?:brand[- ])?new
      | ^[Nn]ew|^(?=[Ff]avou?rite\s))\s*
    (?P<what>[\w-]+(?:\s+(?!now\b|on\b|called\b|named\b|is\b)[\w-]+){{0,2}}?)
    (?:\s+(?:now|today|as\s+well|too|at\s+last|on\s+\d+\s+\w+\s+\d+))?
    (?:\s*[,:;–—-]+\s*|\s+(?=\+?\d|\S+@)|\s+(?=called\b|named\b)|\s*\((?=\w))
    (?:(?:and\s+)?(?:it|he|she|that|this|(?:whose|the|{OWNER}['’]s|his|her)\s+name)(?:['’]s|\s+is)\s+(?:now\s+)?)?
    (?:(?:named|called)\s+)?(?P<value>.+)""",
    re.VERBOSE,
)


def given(clause: str) -> Statement | None:
    """The statement of a clause that sets a new value beside what it is a value of."""
    m = _GIVEN.search(clause)
    if m is None:
        return None
    return owned_value(m["owner"] or m["has"] or m["to"] or WHO, m["what"], m["value"], sure=True)
