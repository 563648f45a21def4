"""Names in a text: runs of capitalised words.

Idea:    a capital makes a name, unless the word is an everyday one; those are peeled off the front of a run.
Cost:    O(characters).
Differs: no gazetteer and no model; languages that write nouns small or have no capitals give few names or none.
"""

import re
from collections.abc import Iterator

from remanence.lm.rule.words import STOP, UPPER, listed

_CAPITAL = (
    rf"(?:(?:(?!I\.)[{UPPER}]|Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|Lt|Gen|Col|Capt|Sgt)\.(?=[\s{UPPER}])"
    rf"|(?:[{UPPER}]\.){{2,}}|[{UPPER}][\w’'-]*)"
)
_INSIDE = (
    r"(?:of\s+the|of|the|de\s+la|de|da|do|dos|del|della|di|van\s+der|van|von|der|den|la|le|el|al|bin|ibn|mac|zu|af|&|y)"
)
NAMES = re.compile(rf"{_CAPITAL}(?:[ \t]*(?<=[\s.])(?:{_INSIDE}[ \t]+)?(?:{_CAPITAL}|\d+\b(?!\s+[A-Z])))*")
_MONTH = re.compile(
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|Monday"
    r"|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)(?:\s+\d+)?$"
)
_DEMONYM = re.compile(
    r"\w*(?:ian|[rx]ican|ean|ish|nese|man|ench|utch|reek|raqi|tani|aeli|wiss|rman|ssian|tish|uese|rab)$"
)
_LAST = re.compile(r"\s+(?:The|He|She|It|They|In|On|At|A|An|His|Her|After|And|But|This)$")
_TITLED = re.compile(r"[\"“‘«]\s?$")
# Everyday words that begin sentences, beyond the stop list.
_EVERYDAY = listed(
    """although despite following since according later early another several according meanwhile eventually
    originally currently recently today yesterday tomorrow unlike upon along among besides born based located
    known named called located whether whereas yes no oh wow great good nice cool thanks sorry please hello hey
    yeah yep sure maybe perhaps hopefully honestly actually basically definitely absolutely totally exactly wish
    hope glad happy congrats keep take first second third finally many much various two three four five six seven
    eight nine ten part series first additionally moreover furthermore however thus hence therefore instead still
    sometimes usually often always never previously formerly initially subsequently within throughout across both
    near together overall similarly like just look see got get let unable alongside shot set given written
    directed produced released considered looks sounds seems feels been being having going doing making love loved
    gonna everyone people anything everything nothing someone here there welcome remember need want work life time
    day today"""
)


def names(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, name) of every name, in order."""
    for m in NAMES.finditer(text):
        start, end = m.span()
        name = m.group()
        name, end = (name[:-2], end - 2) if name.endswith(("'s", "’s")) else (name, end)
        start, name = _peeled(text, start, name)
        name = _LAST.sub("", name)
        plain = name.strip(".'’-")
        if len(plain) < 2 or not plain[0].isupper() or plain.lower() in STOP or _dull(text, end, plain):
            continue
        yield start, end, name.rstrip(".") if name.count(".") == 1 else name


def _dull(text: str, end: int, name: str) -> bool:
    """A month or weekday, or one word that only qualifies the next: "Irish" in "Irish peer"."""
    if _MONTH.match(name):
        return True
    if " " in name or text[end : end + 1] != " " or not text[end + 1 : end + 2].islower():
        return False
    return bool(_DEMONYM.fullmatch(name)) or (len(name) > 5 and name.endswith("ed"))


def _peeled(text: str, start: int, name: str) -> tuple[int, str]:
    """Without everyday words at the front; "The" stays in a title that stands in quotation marks."""
    while name:
        first = name.split(None, 1)[0]
        low = first.lower().replace("’", "'")
        everyday = low in STOP or low.removesuffix("'s") in STOP or low in _EVERYDAY
        titled = low in ("the", "a", "an") and " " in name and _TITLED.search(text, max(0, start - 2), start)
        if not everyday or titled:
            return start, name
        rest = name[len(first) :].lstrip()
        inside = re.match(rf"{_INSIDE}\s+", rest)
        rest = rest[inside.end() :] if inside else rest
        start, name = start + len(name) - len(rest), rest
    return start, name
