"""Which memories help with a question, and the words in them that answer it.

Idea:    the question names somebody and asks for a relation ("where does Ana live?" asks for lives_in); a memory that
         states it answers. Failing that, the nearest memory answers if it holds a date for "when", a number for "how
         many", a place for "where" or a name for "who".
Differs: extractive and shallow: no yes or no, no counting, no joining of two memories.
"""

import re
from collections.abc import Iterator, Sequence

from remanence.errors import CannotAnswer
from remanence.lm.base import Answer
from remanence.lm.rule.attributes import Statement
from remanence.lm.rule.days import DATE
from remanence.lm.rule.names import names
from remanence.lm.rule.relations import canonical, core, single
from remanence.lm.rule.telling import tell
from remanence.lm.rule.words import content, words

NEAR = 0.5  # how much of the question a memory must hold for its words to be searched for an answer

# Question (lower case) to the relations that answer it; {attribute} is read from the question itself.
ASKS = [
    (r"where (?:do|does|did|is|are|has|have)\b.*\b(?:live|living|moved?|based|reside)", ("lives_in", "moving_to")),
    (r"(?:which|what) (?:city|country|town)\b.*\blive", ("lives_in",)),
    (r"where\b.*\bwork|who\b.*\bwork for|(?:which|what) (?:company|firm)\b.*\bwork", ("works_at", "works_in")),
    (r"where\b.*\bstud(?:y|ying)|(?:which|what) (?:university|school|college)", ("studies_at",)),
    (r"where\b.*\b(?:from|come from|grow up|raised)", ("from", "grew_up_in", "born_in")),
    (r"where\b.*\bborn", ("born_in", "from")),
    (r"when\b.*\b(?:born|birthday)", ("birthday", "born_on")),
    (r"how old\b", ("age",)),
    (
        r"what\b.*\b(?:do for (?:a living|work)|job|occupation|profession)|what (?:do|does) \S+ (?:\S+ )?do\b",
        ("occupation", "works_at"),
    ),
    (
        r"who\b.*\b(?:married|dating|engaged)",
        ("relationship", "wife", "husband", "partner", "spouse", "boyfriend", "girlfriend"),
    ),
    (r"what\b.*\ballerg", ("allergic_to",)),
    (r"what\b.*\bstud", ("studies",)),
    (r"what\b.*\blearn", ("learns", "studies")),
    (r"(?:what|which)\b.*\bplay", ("plays",)),
    (r"what\b.*\b(?:hate|dislike|not like|n't like)", ("dislikes",)),
    (r"(?:what|who)\b.*\b(?:like|love|enjoy|into|fan of)", ("likes",)),
    (r"what\b.*\bprefer", ("prefers",)),
    (r"what\b.*\b(?:called|name)\b", ("name", "goes_by")),
    (r"what\b.*\b(?:have|own)\b", ("has",)),
    (r"when\b", ("when", "deadline", "birthday")),
    (r"where\b", ("where",)),
]
_ASKS = [(re.compile(pattern), relations) for pattern, relations in ASKS]
_ATTRIBUTE = re.compile(
    r"(?:what|who|which|when|how much|where)\b(?:['’]s| is| are"
    r"| was)? (?:the )?(?:name of )?(?P<owner>[\w' ]+?)['’]s? (?P<what>(?:favou?rite )?[\w -]+?)(?:['’]s name"
    r"| called| named)?\??$"
    r"|what(?:['’]s| is| was) the (?P<what2>[\w -]+?) (?:of|for) (?:the )?(?P<owner2>[\w' ]+)\??$"
    r"|what(?:['’]s| is) (?P<owner3>my|your) (?P<what3>[\w -]+?)\??$",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\b(?:\d[\d,.]*\d|\d|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|dozen"
    r"|hundred|once|twice)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(r"\b(?:in|at|to|from|near|on)\s+(?:the\s+)?$")


def relevant(question: str, texts: Sequence[str]) -> list[float]:
    """For each text the share of the question's words it has; a name or a number counts double."""
    asked = set(content(question))
    heavy = {s for _, _, name in names(question) for s in content(name)} | {w for w in asked if w[0].isdigit()}
    total = sum(2.0 if w in heavy else 1.0 for w in asked)
    when = bool(re.match(r"\s*when\b", question, re.IGNORECASE))
    relations, owner = _wanted(question)
    scores = []
    for text in texts:
        has = set(content(text))
        score = sum(2.0 if w in heavy else 1.0 for w in asked & has) / total if total else 0.0
        states = (
            any(_fits(s, relations, owner) for told in tell(text[:4000]) for s in told.says) if relations else False
        )
        score = (1 + score) / 2 if states else score  # "moved to Lisbon" shares no word with "where does she live"
        scores.append(round(min(1.0, score * (1.1 if when and DATE.search(text) else 1.0)), 6))
    return scores


def answer(question: str, memories: Sequence[str]) -> Answer:
    """Extracted from the memories; CannotAnswer when none states it."""
    wanted, owner = _wanted(question)
    stated = [(i, s) for i, memory in enumerate(memories) for told in tell(memory[:4000]) for s in told.says]
    found = _stated(stated, wanted, owner)
    if found:
        return found
    scores = relevant(question, memories)
    for i in sorted(range(len(memories)), key=lambda i: -scores[i]):
        if scores[i] < NEAR:
            break
        if words_found := _typed(question, memories[i]):
            return Answer(words_found, (i,))
    raise CannotAnswer(
        f"none of {len(memories)} memories states what {question!r} asks in words that rules can read; "
        "ask a language model (lm 'chat') for more"
    )


def _wanted(question: str) -> tuple[list[str], set[str]]:
    """The relations that would answer, best first, and the words that name whom it is about."""
    plain = " ".join(question.strip().split()).rstrip("?").strip()
    owner = {s for _, _, name in names(question) for s in words(name)}
    relations: list[str] = []
    if m := _ATTRIBUTE.match(plain):
        what = (m["what"] or m["what2"] or m["what3"]).strip()
        owner = set(words(m["owner"] or m["owner2"] or ("i my" if m["owner3"] else ""))) or owner
        relations.append(canonical(what))
    if not owner and re.search(r"\b(?:i|my|me)\b", plain.lower()):
        owner = {"i", "my"}
    for pattern, more in _ASKS:
        if pattern.search(plain.lower()):
            relations += [r for r in more if r not in relations]
    return relations, {w.removesuffix("'s") for w in owner}


def _stated(stated: list[tuple[int, Statement]], wanted: list[str], owner: set[str]) -> Answer | None:
    """The object of the first statement that fits; a relation that holds many gives all of them."""
    denied = {(core(s.relation)[1], s.object.lower()) for _, s in stated if core(s.relation)[0]}
    for relation in wanted:
        fit = [(i, s.object) for i, s in stated if _fits(s, [relation], owner)]
        fit = [(i, o) for i, o in fit if (relation, o.lower()) not in denied]
        if fit and single(relation):
            first = fit[0][1]
            return Answer(first, tuple(dict.fromkeys(i for i, o in fit if o.lower() == first.lower())))
        if fit:
            return Answer(", ".join(dict.fromkeys(o for _, o in fit)), tuple(dict.fromkeys(i for i, _ in fit)))
    return None


def _fits(s: Statement, relations: list[str], owner: set[str]) -> bool:
    return s.relation in relations and _about(s.subject, owner)


def _about(subject: str, owner: set[str]) -> bool:
    named = {w.removesuffix("'s") for w in words(subject)} or {"i", "my"}  # the mark for the speaker is no word
    return not owner or bool(named & owner)


def _typed(question: str, memory: str) -> str:
    """A date, number, place or name in the memory, as the question asks for one; empty if there is none."""
    kind = next(iter(words(question)), "")
    known = set(content(question))
    if kind == "when":
        date = DATE.search(memory)
        return date.group() if date else ""
    if kind == "how" and re.match(r"\s*how (?:many|much|long|often)\b", question, re.IGNORECASE):
        number = next((m for m in _NUMBER.finditer(memory)), None)
        return number.group() if number else ""
    if kind in ("who", "whom", "where", "which"):
        return next(_fresh(memory, known, place=kind == "where"), "")
    return ""


def _fresh(memory: str, known: set[str], *, place: bool) -> Iterator[str]:
    for start, _, name in names(memory):
        if set(content(name)) & known:
            continue
        if not place or _PLACE.search(memory, max(0, start - 12), start):
            yield name
