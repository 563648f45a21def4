"""The first and the last of a time: "my days at X are over", "my contract with X has ended", "my first day at X".

Idea:    what began or ended is a stay or a job, and the name after it tells where; "time" and "days" do not tell which.
"""

from remanence.lm.rule.attributes import OWNER, Statement
from remanence.lm.rule.later import Later
from remanence.lm.rule.objects import NAME

_DAY = r"(?:is|was|has\s+been)\s+(?:today|yesterday|tomorrow|on\s|in\s|last|this|a\s+week|great|good|fine|nice)"
_OVER = Later(
    rf"(?:(?:(?:[Tt]oday|[Yy]esterday|[Ii]t|[Tt]his)\s+)?(?:[Ww]as|[Ii]s)\s+)?(?P<owner>{OWNER})['’]s\s+"
    r"(?:time|days|life|years|chapter|stay|(?P<first>first\s+(?:day|week))|(?P<job>contract|job|employment|last\s+day|role"
    rf"|position))\s+(?:in|at|with)\s+(?:the\s+)?(?P<what>{NAME}?)(?:(?P<end>\s*(?:[.,!]|$))|\s+(?:(?:is|are|was|has|have"
    rf"|now|just|finally)\s+)*(?:over|ended|ends|finished|gone|history|expired|ran\s+out|done)\b|\s+{_DAY})"
)


def over(clause: str) -> Statement | None:
    """The statement that it no longer holds; of a first day, that it does."""
    m = _OVER.match(clause)
    if m is None or (m["end"] is not None and clause.startswith(m["owner"])):
        return None
    relation = "works_at" if m["first"] else "not_works_at" if m["job"] else "left"
    return Statement(m["owner"], relation, m["what"].rstrip(".,!"))
