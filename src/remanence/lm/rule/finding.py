"""Which memories help with a question, and the words in them that answer it.

Idea:    the question names somebody and asks for a relation ("where does Ana live?" asks for lives_in); a memory that
         states it answers. A question for no relation we know may be answered by a date, a count, a place or a name of
         the nearest memory (see guess.py).
Differs: extractive and shallow: no yes or no, no counting, no joining of two memories.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from remanence.errors import CannotAnswer
from remanence.lm.base import Answer
from remanence.lm.rule.asking import OPEN, Asked, asked
from remanence.lm.rule.attributes import Statement
from remanence.lm.rule.days import DATE
from remanence.lm.rule.guess import guess
from remanence.lm.rule.names import names
from remanence.lm.rule.relations import core, single
from remanence.lm.rule.shown import shown
from remanence.lm.rule.telling import tell
from remanence.lm.rule.words import content

NEAR = 0.5  # how much of the question a memory must hold for its words to be searched for an answer
_LONGEST = 4000  # characters of a text that are read
_PAST = re.compile(r"\b(?:did|was|were|had|used\s+to)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Found:
    """A statement of a memory, and the days between which it holds, where they are known."""

    place: int
    says: Statement
    day: str
    until: str


def relevant(question: str, texts: Sequence[str]) -> list[float]:
    """For each text the share of the question's words it has; a name or a number counts double."""
    sought = set(content(question))
    heavy = {s for _, _, name in names(question) for s in content(name)} | {w for w in sought if w[0].isdigit()}
    total = sum(2.0 if w in heavy else 1.0 for w in sought)
    when = bool(re.match(r"\s*when\b", question, re.IGNORECASE))
    wanted = asked(question)
    scores = []
    for text in texts:
        has = set(content(text))
        score = sum(2.0 if w in heavy else 1.0 for w in sought & has) / total if total else 0.0
        states = (
            any(s.relation in wanted.relations and wanted.about(s) for told in tell(text[:_LONGEST]) for s in told.says)
            if wanted.relations
            else False
        )
        score = (1 + score) / 2 if states else score  # "moved to Lisbon" shares no word with "where does she live"
        scores.append(round(min(1.0, score * (1.1 if when and DATE.search(text) else 1.0)), 6))
    return scores


def answer(question: str, memories: Sequence[str]) -> Answer:
    """Extracted from the memories; CannotAnswer when none states it."""
    wanted, read = asked(question), [shown(memory) for memory in memories]
    stated = [_Found(i, s, one.day, one.until) for i, one in enumerate(read) for s in one.says()]
    found = _stated(stated, wanted, past=bool(_PAST.search(question)))
    if found:
        return found
    texts = [one.told() for one in read]
    scores = relevant(question, texts) if set(wanted.relations) <= OPEN else []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        if scores[i] < NEAR:
            break
        if words_found := guess(question, texts[i]):
            return Answer(words_found, (i,))
    raise CannotAnswer(
        f"none of {len(memories)} memories states what {question!r} asks in words that rules can read; "
        "ask a language model (lm 'chat') for more"
    )


def _stated(stated: list[_Found], wanted: Asked, *, past: bool) -> Answer | None:
    """The object of the first statement that fits, or of the latest when days are known; of a list, all of them."""
    for relation in wanted.relations:
        fit = [f for f in stated if wanted.fits(f.says, relation) and not _denied(f, relation, stated, wanted)]
        fit = [f for f in fit if not f.until] or fit
        if fit and single(relation):
            first = fit[0] if past else max(fit, key=lambda f: (f.day, -f.place))
            value = first.says.object
            return Answer(value, tuple(dict.fromkeys(f.place for f in fit if f.says.object.lower() == value.lower())))
        if fit:
            found = dict.fromkeys(f.says.object for f in fit)
            return Answer(", ".join(found), tuple(dict.fromkeys(f.place for f in fit)))
    return None


def _denied(found: _Found, relation: str, stated: list[_Found], wanted: Asked) -> bool:
    """Whether another memory, no older one, says that it is not so, or no longer."""
    for other in stated:
        mark, denied = core(other.says.relation)
        ends = denied == relation if mark else denied == "left" and relation in ("works_at", "lives_in", "studies_at")
        equal = not other.says.object or other.says.object.lower() == found.says.object.lower()
        if ends and equal and other.day >= found.day and wanted.about(other.says):
            return True
    return False
