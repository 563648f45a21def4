"""A text to triples: what the statements say, and for prose what stands between its names.

Idea:    statements first (they have the better relations); then prose, for the pairs of names they did not link.
"""

import re

from remanence.lm.base import Triple
from remanence.lm.rule.person import told
from remanence.lm.rule.prose import prose
from remanence.lm.rule.telling import tell
from remanence.lm.rule.verbs import LISTS

_LIST = re.compile(r",\s+(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+")


def triples(text: str, speaker: str) -> list[Triple]:
    """Each pair of things once, the lists taken apart."""
    out: list[Triple] = []
    for one in tell(text):
        for says in one.says:
            subject = told(says.subject, speaker, alone=True)
            for thing in _things(says.relation, says.object):
                out.append(Triple(subject, says.relation, told(thing, speaker), one.start, one.end))
    linked = {frozenset((t.subject, t.object)) for t in out}
    out += [t for t in prose(text) if frozenset((t.subject, t.object)) not in linked]
    return [t for t in out if t.object]


def _things(relation: str, what: str) -> list[str]:
    """The members of "tennis, football and chess", when each is short."""
    if relation.removeprefix("not_").removeprefix("past_") not in LISTS:
        return [what]
    parts = [part.strip() for part in _LIST.split(what) if part.strip()]
    return parts if all(len(part.split()) <= 4 for part in parts) else [what]
