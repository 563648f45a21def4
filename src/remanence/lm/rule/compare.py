"""What a new statement does to an old one.

Idea:    the same subject and a relation that holds one object at a time: another object updates, the same is the same;
         where no pattern speaks, one text that holds all the words of the other extends it.
Differs: first mention of a subject's relation decides; nothing is inferred ("moved to Lisbon", "works in Porto").
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from remanence.lm.base import Verdict
from remanence.lm.rule.attributes import Statement
from remanence.lm.rule.names import names
from remanence.lm.rule.relations import OPPOSITE, core, single
from remanence.lm.rule.telling import tell
from remanence.lm.rule.words import content, negated, words

LONGEST = 4000  # characters of a text that are read
ORDER: list[Verdict] = ["unrelated", "same", "extends", "updates"]  # the later one wins
_ARTICLE = re.compile(r"^(?:an?|the|my|his|her|their)\s+")
_DISLIKED = ("dislikes", "not_likes")
_LEAVES = frozenset(("works_at", "lives_in", "studies_at", "relationship"))


def conflict(old: str, new: str) -> Verdict:
    """The verdict on two statements, each a sentence or two."""
    if _read(old).words == _read(new).words:
        return "same"
    before, after = _both(old, new)
    said = [_strongest([_between(a, b) for a in before]) for b in after]
    verdict = _strongest(said)
    if verdict == "same" and "unrelated" in said:
        return "extends"  # it says the same and more
    return verdict if verdict != "unrelated" else _by_words(old, new)


@dataclass(frozen=True, slots=True)
class _Text:
    """What is asked of a text whatever it is compared with."""

    words: tuple[str, ...]
    content: tuple[str, ...]
    names: tuple[str, ...]
    negated: bool


@lru_cache(maxsize=4096)  # what is compared is compared with several
def _read(text: str) -> _Text:
    named = dict.fromkeys(name for _, _, name in names(text[:LONGEST]))
    return _Text(tuple(words(text)), tuple(content(text)), tuple(named), negated(text))


def _strongest(said: list[Verdict]) -> Verdict:
    return max(said, key=ORDER.index) if said else "unrelated"


def _both(old: str, new: str) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """What the two say; told text is read as its speaker said it, who is somebody both name."""
    known = set(_read(new).names)
    shared = [name for name in _read(old).names if name in known]
    for who in [*shared[:3], ""]:
        before, after = _says(old, who), _says(new, who)
        if before and after:
            break
    return before, after


@lru_cache(maxsize=4096)
def _says(text: str, who: str) -> tuple[Statement, ...]:
    return tuple(s for told in tell(text[:LONGEST], who=who) for s in told.says)


def _between(a: Statement, b: Statement) -> Verdict:
    if _key(a.subject) != _key(b.subject):
        return "unrelated"
    (mark_a, relation_a), (mark_b, relation_b) = core(a.relation), core(b.relation)
    equal = _key(a.object) == _key(b.object)
    if relation_b == "left" and not mark_a and relation_a in _LEAVES:
        return "updates" if equal else "unrelated"
    if OPPOSITE.get(relation_a) == relation_b and not mark_a and not mark_b:
        return "updates" if equal else "unrelated"
    if equal and not mark_a and relation_a.startswith("favourite_") and b.relation in _DISLIKED:
        return "updates"
    if relation_a != relation_b:
        return "unrelated"
    if mark_a != mark_b:
        return _across(a, b, mark_a, mark_b, equal)
    if equal:
        return "same"
    if mark_a or not single(relation_a):
        return "extends"
    return _objects(a.object, b.object)


def _across(a: Statement, b: Statement, mark_a: str, mark_b: str, equal: bool) -> Verdict:
    """One of the two is denied or past."""
    if mark_a and mark_b:
        return "unrelated"
    if mark_b:  # it held, now it does not
        return "updates" if equal or not b.object else "unrelated"
    return "updates" if equal or not a.object else "extends"  # it did not hold, now it does


def _objects(old: str, new: str) -> Verdict:
    """Two values of a relation that has one: Lisbon and "Lisbon, Portugal" do not clash."""
    a, b = set(content(old)), set(content(new))
    if a and a < b and not any(w.isdigit() for w in b - a):
        return "extends"
    if b and b < a:
        return "same"
    return "same" if a == b and a else "updates"


def _by_words(old: str, new: str) -> Verdict:
    first, second = _read(old).content, _read(new).content
    a, b = set(first), set(second)
    if not a or not b or _read(old).negated != _read(new).negated:
        return "unrelated"
    if first == second or (b < a and len(b) > 1):
        return "same"
    return "extends" if a < b and len(a) > 1 else "unrelated"


@lru_cache(maxsize=4096)
def _key(text: str) -> str:
    return _ARTICLE.sub("", " ".join(words(text)))
