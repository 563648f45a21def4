"""Encyclopaedic prose to triples: subject, the words between, the next name.

Source:  Fader et al. 2011, Identifying Relations for Open Information Extraction (ReVerb): what links two arguments is
         a short run of words from a verb to a preposition.
Idea:    a passage is about its first name (or its title line); each sentence's subject is the name before its verb, or
         the passage's when it begins with a pronoun; every further name is linked to it by the last verb before it, a
         list shares the verb of its first member, and a name without a verb is merely mentioned.
Cost:    O(characters), well under a millisecond for a paragraph.
Differs: verbs are told by a list and by endings, not by a tagger.
"""

import re
from collections.abc import Iterator

from remanence.lm.base import Triple
from remanence.lm.rule.days import DATE
from remanence.lm.rule.later import Later
from remanence.lm.rule.names import names
from remanence.lm.rule.sentences import sentences
from remanence.lm.rule.words import words

Found = tuple[int, int, str]

_PRONOUN = Later(
    r"(?:[Hh]e|[Ss]he|[Ii]t|[Tt]hey|[Hh]is|[Hh]er|[Ii]ts|[Tt]heir|[Tt](?:he|his)\s+(?:film|movie|band"
    r"|group|album|song|book|novel|series|show|company|city|town|village|team|club|school|university"
    r"|college|station|river|building|church|game|magazine|newspaper|episode|single|award|island|mountain"
    r"|lake|district|county|municipality|airline|bridge|castle|museum|organization|organisation|party"
    r"|station|species|genus|play|opera|painting|story|season|couple|family|area|region|site|work|program"
    r"|programme))\b"
)
_VERB = Later(
    r"\b(?:is|are|was|were|be|been|has|had|have|became|becomes|made|won|wrote|written|led|held|took|taken"
    r"|met|born|died|grew|sang"
    r"|sung|known|built|sold|bought|left|went|gave|given|began|run|ran|lost|found|founded|said|set|lies"
    r"|lay|stars|serves"
    r"|plays|works(?= (?:as|at|for|in|with))|lives|include|includes|features|contains?|borders|owns|hosts"
    r"|covers|marries|directs|teaches|wins|writes"
    r"|[a-z]{3,}(?:ed|ing))\b"
)
_JOIN = re.compile(r"[\s,;/&]*(?:and|or|as well as|with|both)?[\s,]*(?:the|a|an|its|his|her|their)?\s*$")
_KIN = Later(
    r"\b(?:son|daughter|wife|husband|brother|sister|father|mother|parents?|children|child|uncle|aunt"
    r"|nephew|niece|cousin|capital"
    r"|member|founder|director|author|president|leader|king|queen|student|friend|partner|sequel|part"
    r"|native|home|king|spouse"
    r"|singer|producer|writer|actor|actress|composer|manager|coach|captain|owner|editor|widow|grandson"
    r"|granddaughter)\b(?:\s+(?:of|to|by|at|in|for))?",
)
_LIFE = Later(
    r"\(\s*(?:[^()]*?;\s*)?(?:born\s+)?(?P<born>[^()–—-]*?\d{3,4})(?:\s*[–—-]\s*(?P<died>[^()]*?\d{3,4}))?[^()]*\)"
)
_ISA = Later(
    r"\s*,?\s*(?:\([^)]*\)\s*,?\s*)?(?:is|was|are|were)\s+(?:(?:also|now|currently|originally)\s+)?(?:an?"
    r"|the|one\s+of\s+the)\s+(?P<what>[^.,;()]+?)(?=\s+(?:who|which|that|in|from|by|of|for|at|on|directed"
    r"|written|produced|based|born|located|founded|starring|released|known|and\s+the)\b|[.,;()]|$)"
)
_TRAIL = re.compile(
    r"\s+(?:the|an?|his|her|their|its|this|that|both|fellow|then|former|late|famous|american|british"
    r"|english|french|german|actor|actress|singer|director|writer|composer|producer)$",
    re.IGNORECASE,
)
LONGEST = 6  # words of a relation


def prose(text: str) -> list[Triple]:
    """The triples of a passage, in the order of the text."""
    theme, first = "", True
    out: dict[tuple[str, str, str], Triple] = {}
    for start, end in sentences(text):
        if not theme and (theme := _title(text, start, end)):
            continue
        sentence = text[start:end]
        found = list(names(sentence))
        if theme and found and first and set(words(found[0][2])) & set(words(theme)):
            found[0] = (found[0][0], found[0][1], theme)  # "Richard Colley Wesley" under the title "Richard Wesley"
        theme, first = theme or (found[0][2] if found else ""), False
        for triple in _of(sentence, start, found, theme):
            if triple.subject != triple.object:
                out.setdefault((triple.subject, triple.relation, triple.object), triple)
    return list(out.values())


def _title(text: str, start: int, end: int) -> str:
    """The line as a title: the first, short, without a full stop, and more text below."""
    line = text[start:end]
    alone = text[end : end + 1] in ("\n", "") and end < len(text.rstrip()) and len(words(line)) <= 12
    return re.sub(r"\s*\([^)]*\)$", "", line).strip(" \"'“”:") if alone and line[-1:] not in ".!?" else ""


def _of(sentence: str, offset: int, found: list[Found], theme: str) -> Iterator[Triple]:
    pronoun = _PRONOUN.match(sentence)
    subject, at, rest = theme, 0, found
    if not pronoun and found and found[0][0] <= 4 and _near_verb(sentence, found[0][1]):
        subject, at, rest = _same(found[0][2], theme), found[0][1], found[1:]
    elif pronoun:
        at = pronoun.end()
    if not subject:
        return
    end = offset + len(sentence)
    yield from _dates(sentence, offset, subject, at)
    if isa := _ISA.match(sentence, at):
        yield Triple(subject, "is a", isa["what"].strip(), offset, offset + isa.end())
    relation, last = "", at
    for a, b, name in rest:
        if a < last:
            continue
        between = sentence[max(last, a - 300) : a]
        joined = _JOIN.fullmatch(between)
        relation = relation if joined and relation else _relation(between)
        yield Triple(subject, relation or "mentions", name, offset, min(end, offset + b))
        last = b


def _near_verb(sentence: str, at: int) -> bool:
    """Whether a verb follows soon, so that the name before is a subject and not a place or a time."""
    verb = _VERB.search(sentence, at, at + 90)
    comma = sentence.find(",", at, at + 1)
    return verb is not None and (comma < 0 or sentence.find(",", at + 1) > 0)


def _same(name: str, theme: str) -> str:
    """The passage's own name when a sentence says only a part of it: Lopez for Maria Lopez."""
    return theme if name in theme.split() or (name in theme and len(name.split()) > 1) else name


def _relation(between: str) -> str:
    """The last verb (or kinship noun) before the name to the last word before it."""
    between = re.sub(r"\([^)]*\)|[\"“”]", " ", between)
    piece = re.split(r"[;:]|,\s+(?:who|which|where|while|but)\b", between)[-1]
    verbs = list(_VERB.finditer(piece))
    kin = list(_KIN.finditer(piece))
    start = max((m[-1].start() for m in (verbs, kin) if m), default=-1)
    if verbs and start >= 0 and verbs[-1].start() == start and len(verbs) > 1 and verbs[-2].end() + 1 >= start:
        start = verbs[-2].start()  # "was born in", not "born in" alone
    if start < 0:
        piece = piece.strip(" ,")
        return piece if re.fullmatch(r"(?:in|at|of|by|from|near|with|for|to|on)(?: the)?", piece) else ""
    relation = " ".join(piece[start:].replace(",", " ").split()).lower()
    while (short := _TRAIL.sub("", relation)) != relation:
        relation = short
    parts = relation.split()
    return relation if len(parts) <= LONGEST else " ".join([*parts[: LONGEST - 2], parts[-1]])


def _dates(sentence: str, offset: int, subject: str, at: int) -> Iterator[Triple]:
    """The years in brackets after a name, and the first date of the sentence."""
    life = _LIFE.search(sentence, at, at + 120)
    if life and DATE.search(sentence, life.start(), life.end()):
        yield Triple(subject, "born", life["born"].strip(" ,"), offset + life.start(), offset + life.end())
        if life["died"]:
            yield Triple(subject, "died", life["died"].strip(" ,"), offset + life.start(), offset + life.end())
