"""A text to facts: which sentences state something, told in the third person, dated, with what they relate.

Idea:    sentences, then clauses; a sentence is split only where two or more of its clauses state something we know.
Differs: "he" and "she" stand for the last person a statement of the same text was about; otherwise they stay.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from remanence.lm.base import Fact
from remanence.lm.rule.attributes import Statement
from remanence.lm.rule.clauses import bare, clauses, elided, lead, supposes
from remanence.lm.rule.days import dated
from remanence.lm.rule.person import WHO, third_person, told
from remanence.lm.rule.sentences import sentences, states
from remanence.lm.rule.statements import statements
from remanence.lm.rule.words import UPPER
from remanence.records import utc

_HE = re.compile(r"(?:he|she)(?=\s|['’](?:s|ll|d)\b)|(?:his|her)(?=\s)", re.IGNORECASE)
_PERSON = re.compile(
    rf"[{UPPER}]|{WHO}'s\s+(?:\w+\s+)?(?:sister|brother|mother|mom|mum|father|dad|wife|husband|partner|boyfriend"
    r"|girlfriend|friend|boss|son|daughter|cousin|aunt|uncle|colleague|neighbou?r|roommate|grandm\w+"
    r"|grandf\w+|niece|nephew)$"
)
_I = re.compile(r"(?:I|i|[Ww]e)(?:\s|['’])")
_LONGEST = 600  # characters of a sentence in which clauses are looked for


@dataclass(frozen=True, slots=True)
class Told:
    """A stretch of text, in the third person (WHO marks the speaker), and what it states if we know."""

    start: int
    end: int
    text: str
    plain: str  # the same with the first person kept
    at: datetime | None
    says: tuple[Statement, ...]


def facts(text: str, speaker: str, at: datetime | None) -> list[Fact]:
    """Every statement of the text as a fact, in order."""
    return [_fact(t, speaker) for t in tell(text, utc(at) if at else None)]


def tell(text: str, at: datetime | None = None, who: str = "") -> Iterator[Told]:
    """Every stretch of the text that states something; `who` is read as the speaker, for a text already told."""
    text = text.replace(WHO, "\ufffd")
    text = re.sub(rf"\b{re.escape(who)}\b", WHO, text) if who else text
    about = ""  # the person "she" means
    for start, end in sentences(text):
        sentence = text[start:end]
        if not states(sentence):
            continue
        start += lead(sentence)
        if start and not states(text[start:end]) and " " not in text[start:end]:
            continue
        for one in _parts(text, start, end, at, about):
            if one.says and one.says[0].subject != WHO and _PERSON.match(one.says[0].subject):
                about = one.says[0].subject
            yield one


def _parts(text: str, start: int, end: int, at: datetime | None, about: str) -> list[Told]:
    """The sentence whole, or its clauses when several of them state something."""
    if supposes(text[start:end]):
        return [_told(text, start, end, at, about, "", ())]
    if elided(text[start:end]) and _sure(said := _told(text, start, end, at, "", "I")):
        return [said]
    whole = _told(text, start, end, at, about, "")
    pieces = list(clauses(text[start:end])) if end - start <= _LONGEST else []
    if len(pieces) < 2:
        return [whole]
    parts: list[Told] = []
    for a, b, shared in pieces:
        subject = _subject(text[start + pieces[0][0] :], parts) if shared else ""
        if shared and not subject:
            part = None
        else:
            part = _told(text, start + a, start + b, at, about, subject)
            about = part.says[0].subject if part.says and _PERSON.match(part.says[0].subject) else about
        if part is not None and part.says:
            parts.append(part)
        elif parts:  # nothing known: it belongs to the clause before it
            parts[-1] = _longer(parts[-1], text, start + b, at)
    if len(parts) > 1:
        first = parts[0]
        if first.start > start:
            parts[0] = _told(text, start, first.end, at, about, "", first.says)
        return [replace(p, text=_closed(p.text), plain=_closed(p.plain)) for p in parts]
    says = parts[0].says if parts else whole.says
    return [Told(whole.start, whole.end, whole.text, whole.plain, whole.at, says)]


def _sure(one: Told) -> bool:
    """Whether a clause that was lent an "I" says something of a name or a job; "moved to tears" does not."""
    return bool(one.says) and (one.says[0].object[:1].isupper() or one.says[0].relation == "not_works_at")


def _closed(clause: str) -> str:
    return clause + "." if clause[-1:].isalnum() else clause


def _subject(sentence: str, parts: list[Told]) -> str:
    """What a clause without a subject of its own borrows."""
    if parts and parts[-1].says and parts[-1].says[0].subject != WHO:
        return parts[-1].says[0].subject
    if WHO in sentence:  # told already
        return WHO
    return "I" if _I.match(bare(sentence)) or (parts and parts[-1].says) else ""


def _longer(part: Told, text: str, end: int, at: datetime | None) -> Told:
    more = text[part.end : end]
    return Told(
        part.start,
        end,
        part.text + dated(third_person(more), at)[0],
        part.plain + dated(more, at)[0],
        part.at,
        part.says,
    )


def _told(
    text: str,
    start: int,
    end: int,
    at: datetime | None,
    about: str,
    subject: str,
    says: tuple[Statement, ...] | None = None,
) -> Told:
    raw = f"{subject} {text[start].lower()}{text[start + 1 : end]}" if subject else text[start:end]
    third = third_person(raw)
    marked, when = dated(third, at)
    timeless = marked == third  # and then so is what was said
    if about and (he := _HE.match(marked)):
        name = f"{about}'s" if he.group().lower() in ("his", "her") else about
        marked, raw = name + marked[he.end() :], name + raw[he.end() :]
    marked = marked[:1].upper() + marked[1:]
    plain = raw if timeless else dated(raw, at)[0]
    return Told(start, end, marked, plain, when, tuple(statements(bare(marked))) if says is None else says)


def _fact(t: Told, speaker: str) -> Fact:
    text = told(t.text, speaker) if speaker else told(t.plain, "")
    if not t.says:
        return Fact(text, t.start, t.end, at=t.at)
    subject, relation = told(t.says[0].subject, speaker, alone=True), t.says[0].relation
    return Fact(text, t.start, t.end, subject, relation, told(t.says[0].object, speaker), t.at)
