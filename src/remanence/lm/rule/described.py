"""An attribute told by a clause of its own: "the city I live in", "the person I report to", "where I work".

Idea:    such a description stands for a noun ("city", "boss"); the value is on the other side of "is".
"""

import re

from remanence.lm.rule.attributes import OWNER, Statement, owned_value
from remanence.lm.rule.later import Later

_BE = r"(?P<be>(?:is|are|was|were)(?:n['’]t|\s+not|\s+no\s+longer)?)\s+(?:now\s+|currently\s+|called\s+|still\s+)*"
_SOON = r"(?:now\s+|currently\s+|really\s+)*"
_DESCRIBED = Later(
    rf"""(?:[Tt]he\s+(?P<what>[\w-]+(?:\s+[\w-]+)?)\s+(?:(?:that|which|who|whom|where)\s+)?|(?P<where>[Ww]here)\s+)
    (?P<owner>{OWNER})\s+{_SOON}(?:
        (?P<lives_in>lives?(?:\s+in)?)
      | (?P<works_at>works?(?:\s+(?:for|at))?)
      | (?P<boss>reports?\s+to|answers?\s+to)
      | (?P<best>(?:likes?|loves?|enjoys?)\s+(?:the\s+)?(?:best|most))
      )\b""",
    re.VERBOSE,
)
_BEFORE = Later(rf"(?P<value>[^,;:!?]{{1,60}}?)\s+{_BE}$")
_AFTER = Later(rf"(?:\s+now)?\s+{_BE}(?P<value>.+)")
_ABOVE = Later(
    rf"(?P<owner>{OWNER})\s+{_SOON}(?:likes?|loves?|enjoys?)\s+(?P<value>[^,;]{{2,40}}?)\s+(?:more|better)\s+than\s+any\s+other"
    r"\s+(?P<what>[\w-]+)"
)
_PLACES = {
    "lives_in": re.compile(r"city|town|village|place|country|part"),
    "works_at": re.compile(r"company|firm|place|office|shop|school|hospital|bank|organi[sz]ation"),
    "boss": re.compile(r"person|one|man|woman|manager|boss|lead"),
}


def described(clause: str) -> Statement | None:
    """The statement of a clause with such a description on one side of "is"."""
    if "any other" in clause and (above := _ABOVE.match(clause)):
        return owned_value(above["owner"], f"favourite {above['what']}", above["value"])
    m = _DESCRIBED.search(clause)
    if m is None:
        return None
    kind = m.lastgroup or ""
    if kind == "best":
        noun = f"favourite {m['what']}" if m["what"] else ""
    else:
        fits = kind != "boss" if m["where"] else _PLACES[kind].search(m["what"].lower())
        noun = {"lives_in": "city", "works_at": "employer", "boss": "boss"}[kind] if fits else ""
    other = _AFTER.match(clause, m.end()) if m.start() == 0 else _BEFORE.match(clause[: m.start()])
    if not noun or other is None or not (found := owned_value(m["owner"], noun, other["value"])):
        return None
    mark = "past_" if other["be"] in ("was", "were") else "not_" if other["be"] not in ("is", "are") else ""
    return Statement(found.subject, mark + found.relation, found.object)
