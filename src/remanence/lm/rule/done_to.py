"""What somebody else does, and what it makes true of the speaker: hired by them, let go, led.

Idea:    the subject of the clause is the object of the statement: "Acme hired me" is (WHO, works_at, Acme).
"""

import re

from remanence.lm.rule.attributes import OWNER, Statement
from remanence.lm.rule.later import Later
from remanence.lm.rule.objects import NAME
from remanence.lm.rule.subjects import plain

# Verb: what it needs after the person, and the relation; "laid off me" and "laid me off" are one.
DONE = {
    "let": ("go", "not_works_at"),
    "laid": ("off", "not_works_at"),
    "laid off": ("", "not_works_at"),
    "made": ("redundant", "not_works_at"),
    "fired": ("", "not_works_at"),
    "sacked": ("", "not_works_at"),
    "dismissed": ("", "not_works_at"),
    "hired": ("", "works_at"),
    "employs": ("", "works_at"),
    "recruited": ("", "works_at"),
    "took": ("on", "works_at"),
    "gave": ("a job", "works_at"),
    "manages": ("", "boss"),
    "managing": ("", "boss"),
    "supervises": ("", "boss"),
    "supervising": ("", "boss"),
    "leads": ("", "boss"),
    "heads": ("", "boss"),
    "runs": ("", "boss"),
}
_VERB = "|".join(sorted(DONE, key=len, reverse=True)).replace(" ", r"\s+")
_DONE = Later(
    rf"""(?!(?:They|He|She|You|It|Who|That|This|Nobody|Someone|The)\b)(?P<by>{NAME})\s+
    (?:(?:is|has|have|had|been|just|recently|finally|now|also|then|currently|directly)\s+)*
    (?P<verb>{_VERB})\s+
    (?P<whom>{OWNER})(?P<team>['’]s\s+(?:team|group|department))?
    (?:\s+(?P<after>go|off|redundant|on(?!\s+\d)|a\s+job))?
    (?=\s*(?:[.,!;:]|$|(?:now|today|yesterday|last|this|on|in|after|because|and|as|when|from|again|these|at)\b))""",
    re.VERBOSE,
)
_LED = Later(
    rf"(?P<whom>{OWNER})['’]s\s+(?:team|group|department)\s+is\s+(?:now\s+)?(?:led|run|managed|headed)\s+by\s+"
    rf"(?P<by>{NAME})|(?P<me>{OWNER})\s+(?:now\s+|has\s+|just\s+)*(?:is|works|moved|joined)\s+(?:now\s+)?(?:(?:on|in|to|into)\s+)?"
    rf"(?P<head>{NAME}?)['’]s\s+team\b"
)


def done_to(clause: str) -> Statement | None:
    """The statement about whom it is done to."""
    if m := _LED.match(clause):
        return Statement(plain(m["whom"] or m["me"]), "boss", (m["by"] or m["head"]).rstrip(".,"))
    m = _DONE.match(clause)
    if m is None:
        return None
    after, relation = DONE[" ".join(m["verb"].split())]
    if " ".join((m["after"] or "").split()) != after or (m["team"] and relation != "boss"):
        return None
    return Statement(plain(m["whom"]), relation, m["by"].rstrip(".,"))
