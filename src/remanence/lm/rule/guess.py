"""The word of a memory that is of the kind a question asks for: a date, a count, a place, a name.

Idea:    only what the question's own person does counts, in a sentence that states it; a count stands before what is
         counted, and who gave and who was given is told from where they stand.
Differs: shallow. It would rather say nothing than something.
"""

import re
from collections.abc import Iterator

from remanence.lm.rule.days import DATE
from remanence.lm.rule.later import Later
from remanence.lm.rule.names import names
from remanence.lm.rule.sentences import sentences, states
from remanence.lm.rule.words import content, negated, stem, words

_NUMBER = (
    r"\b(?P<n>\d[\d,.]*\d|\d|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|dozen|hundred)\b"
)
_COUNT = Later(rf"{_NUMBER}(?=(?P<after>(?:\s+[\w-]+){{0,3}}))", re.IGNORECASE)
_OFTEN = Later(rf"\b(?:once|twice|every\s+\w+|{_NUMBER}\s+times)\b(?:\s+an?\s+\w+)?", re.IGNORECASE)
_LONG = Later(rf"{_NUMBER}\s+(?:second|minute|hour|day|week|month|year|decade)s?\b", re.IGNORECASE)
_MUCH = Later(
    rf"[$€£]\s?\d[\d,.]*k?|{_NUMBER}\s*(?:k\b|dollars?|euros?|pounds?|kg|kilos?|km|miles?|litres?|liters?|hours?|%)",
    re.I,
)
_MANY = Later(r"\s*how\s+many\s+(?P<what>[\w-]+(?:\s+[\w-]+)?)", re.IGNORECASE)
_PLACE = Later(r"\b(?:in|at|to|from|near|on)\s+(?:the\s+)?$")
_WISHED = Later(
    r"\b(?:would|could|might|(?-i:may|will)|should|if|unless|wish\w*|hop(?:e|es|ed|ing)|wants?|wanted|almost|nearly|dream\w*|plan(?:s|ned"
    r"|ning)?|maybe|perhaps|imagin\w+|suppos\w+|thinking\s+of|considering|applied|interview\w*|going\s+to)\b|['’]d\b",
    re.IGNORECASE,
)
_DOES = Later(r"\s*whom?\s+(?:did|does|do|has|have|had|will)\s+(?P<who>[A-Z]\w+|I|you)\b", re.IGNORECASE)
_DID = Later(r"\s*who\s+(?!is\b|was\b|are\b|were\b|else\b)(?P<verb>\w+)", re.IGNORECASE)


def guess(question: str, memory: str) -> str:
    """What a sentence of the memory says of the kind that is asked for; empty if none does."""
    asked = set(words(question))
    for start, end in sentences(memory):
        sentence = memory[start:end]
        if not states(sentence) or _WISHED.search(sentence) or negated(sentence) != negated(question):
            continue
        if _of_others(question, sentence, asked):
            continue
        if found := _typed(question, sentence):
            return found
    return ""


def _of_others(question: str, sentence: str, asked: set[str]) -> bool:
    """Whether somebody of the question is not in the sentence, or only as whose sister, friend or dog it is."""
    for _, _, name in names(question):
        stands = re.search(rf"\b{re.escape(name)}\b(?:['’]s\s+(?P<kin>[\w-]+))?", sentence, re.IGNORECASE)
        if stands is None or (stands["kin"] and not {stem(stands["kin"].lower())} & {stem(w) for w in asked}):
            return True
    return False


def _typed(question: str, sentence: str) -> str:
    kind = next(iter(words(question)), "")
    if kind == "when":
        date = DATE.search(sentence)
        return date.group() if date else ""
    if kind == "how":
        return _counted(question, sentence)
    fresh = list(_fresh(sentence, set(content(question)), place=kind == "where"))
    if kind in ("who", "whom"):
        fresh = list(_in_role(question, sentence, fresh))
    return fresh[0][1] if fresh and kind in ("who", "whom", "where", "which") else ""


def _counted(question: str, sentence: str) -> str:
    """The number that stands before what is counted, or with a unit."""
    if m := _MANY.match(question):
        counted = {stem(word) for word in words(m["what"])[:2]}
        for number in _COUNT.finditer(sentence):
            if counted & {stem(word) for word in words(number["after"])}:
                return number["n"]
        return ""
    for word, pattern in (("long", _LONG), ("often", _OFTEN), ("much", _MUCH)):
        if re.match(rf"\s*how\s+{word}\b", question, re.IGNORECASE):
            found = pattern.search(sentence)
            return found.group() if found else ""
    return ""


def _in_role(question: str, sentence: str, fresh: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The names that can be who did it, or to whom it was done, as the question asks."""
    if does := _DOES.match(question):  # "who did Ana meet": somebody named after her
        at = sentence.lower().find(does["who"].lower())
        yield from ((start, name) for start, name in fresh if start > at)
    elif did := _DID.match(question):  # "who met Ana": named before the verb, or after "by"
        verb = next((m.start() for m in re.finditer(r"\w+", sentence) if stem(m[0].lower()) == stem(did["verb"])), -1)
        for start, name in fresh:
            by = sentence[:start].rstrip().endswith(" by")
            if by or (0 <= start < verb and " by " not in sentence[verb:]):
                yield start, name
    else:
        yield from fresh


def _fresh(sentence: str, known: set[str], *, place: bool) -> Iterator[tuple[int, str]]:
    """The names that the question does not have; of places, those after "in", "at", "to"."""
    for start, _, name in names(sentence):
        if set(content(name)) & known:
            continue
        if not place or _PLACE.search(sentence[max(0, start - 12) : start]):
            yield start, name
