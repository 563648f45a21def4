"""What a question asks for: the relations that would answer it, and whom it is about.

Idea:    "what is Ana's phone number" names the relation; "where does Ana live" asks for lives_in in words of its own.
Differs: English, and a few dozen kinds of question.
"""

import re
from dataclasses import dataclass

from remanence.lm.rule.attributes import Statement
from remanence.lm.rule.later import Later
from remanence.lm.rule.names import names
from remanence.lm.rule.relations import PEOPLE_AND_PETS, canonical
from remanence.lm.rule.words import listed, words

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
_ASKS = [(Later(pattern), relations) for pattern, relations in ASKS]
_ATTRIBUTE = Later(
    r"(?:what|who|which|when|how much|where)\b(?:['’]s| is| are"
    r"| was)? (?:the )?(?:name of )?(?P<owner>[\w' ]+?)['’]s? (?P<what>(?:favou?rite )?[\w -]+?)(?:['’]s name"
    r"| called| named)?\??$"
    r"|what(?:['’]s| is| was) the (?P<what2>[\w -]+?) (?:of|for) (?:the )?(?P<owner2>[\w' ]+)\??$"
    r"|what(?:['’]s| is) (?P<owner3>my|your) (?P<what3>[\w -]+?)\??$",
    re.IGNORECASE,
)
_KIN = Later(r"(?:['’]s|\bmy|\bmine|\byour)\s+(?P<one>[\w-]+)(?:\s+(?P<two>[\w-]+))?", re.IGNORECASE)
_LAST = Later(r"['’]s\s+(?:[\w-]+\s+)*?(?P<head>[\w-]+)$")
OPEN = listed("when where deadline birthday")  # answered by any date or place, where nothing states one


@dataclass(frozen=True, slots=True)
class Asked:
    """The relations, best first; the words that name the person, and all the words; the kin that it is about."""

    relations: list[str]
    owner: set[str]
    words: set[str]
    kin: str = ""

    def fits(self, s: Statement, relation: str) -> bool:
        """Whether the statement has this relation and is about whom the question is about."""
        return s.relation == relation and self.about(s)

    def about(self, s: Statement) -> bool:
        """Whether it is about the same: not about Ana when Ana's sister is asked for, nor the other way round."""
        named = {w.removesuffix("'s") for w in words(s.subject)} or {"i", "my"}  # the mark for the speaker is no word
        if self.owner and not named & self.owner:
            return False
        if self.kin and self.kin not in named and canonical(self.kin) != s.relation:
            return False
        last = _LAST.search(s.subject)
        return not (self.owner and last and last["head"].lower() not in self.words)


def asked(question: str) -> Asked:
    """Read the question."""
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
    said = [word.lower() for m in _KIN.finditer(plain) for word in m.groups("")]
    kin = next((word for word in said if word in PEOPLE_AND_PETS), "")
    return Asked(relations, {w.removesuffix("'s") for w in owner}, set(words(plain)), kin)
