"""First person to the speaker: "I've moved, my dog loves it" becomes "Ana has moved, Ana's dog loves it".

Idea:    pronouns are replaced by a mark (WHO) that no text contains; the patterns see the mark, the reader the name.
Cost:    O(characters).
Differs: no parser: the verb agrees when it is the word after "I" and its adverbs. "We" becomes "Ana and others", "our"
         becomes "Ana's". What stands inside quotation marks is someone's speech and is left alone.
"""

import re

from remanence.lm.rule.words import listed

WHO = "\ufdd0"  # a noncharacter: Unicode keeps it out of text
OTHERS = f"{WHO} and others"

_ADVERBS = (
    r"(?:(?:no\s+longer|almost|nearly|hardly|barely|soon|directly|really|just|still|also|always|never|usually|often|currently|now|recently|already|finally"
    r"|actually|absolutely"
    r"|totally|honestly|definitely|probably|only|even|kinda|sometimes|rarely|mostly|truly|generally|first|both|so|then"
    r"|once|later|personally|especially|particularly|simply|mainly|normally|seriously|ever|officially)\s+)*"
)
_FIRST = re.compile(
    r"(?<![\w.@/#$'’-])(?:(?P<i>[Ii])(?:['’`](?P<clip>m|ve|ll|d|re)\b|(?P<slip>m|ve)\b|(?!\w))"
    rf"(?P<gap>\s+{_ADVERBS})?(?P<verb>[a-z]+(?:['’]t)?\b)?"
    r"|(?P<mine>[Mm]y\s+own|[Mm]y|MY|[Oo]ur|[Oo]urs|[Mm]ine)"
    r"|(?P<me>[Mm]e|[Mm]yself|us|ourselves)"
    r"|(?P<we>[Ww]e)(?:['’`](?P<clip2>re|ve|ll|d))?)(?![\w@]|\.\w)"
)
_QUOTED = re.compile(r'"[^"\n]{1,300}"|“[^”\n]{1,300}”')
_NUMERAL = re.compile(r"(?:War|Type|Part|Phase|Chapter|Act|Volume|Book|Class|Elizabeth|Charles|Napoleon|Appendix)\s$")
_CLIPS = {"m": "is", "ve": "has", "ll": "will", "d": "would", "re": "are"}
_WE_CLIPS = {"re": "are", "ve": "have", "ll": "will", "d": "would"}
_AGREE = {
    "no": "no",
    "am": "is",
    "have": "has",
    "do": "does",
    "don't": "doesn't",
    "haven't": "hasn't",
    "go": "goes",
    "aren't": "isn't",
}
# Words after "I" that are not a present tense: they stay as they are.
_FIXED = listed(
    """was were had did didn't wasn't hadn't weren't can can't could couldn't will won't would wouldn't shall should
    shouldn't may might must mustn't needn't ought cannot ain't wanna gonna got went made took saw met bought sold
    left found began told said thought felt knew came gave ran won lost wrote read spent ate drank slept kept held
    brought taught caught fell grew drew drove flew chose broke spoke stood understood heard paid put cut set let
    hit hurt quit cost shut split led sent built lent fed meant dreamt learnt hung rode rose sang sat shot swam
    threw woke wore beat bit became bent bet bled blew dealt dug fought forgot forgave froze hid knelt laid lay
    lit sought shook shone stole stuck swore swung tore withdrew and or but who if as with in on at to for of the
    a an not when because however too alone myself then there here is are be been has does wont cant dont didnt
    wasnt isn't doesn't hasn't"""
)

_PRESENT = listed("need feed bleed breed bring sing swing ring cling rely apply reply supply fly comply")


def third_person(text: str) -> str:
    """The text with WHO in the place of whoever speaks."""
    if not _FIRST.search(text):
        return text
    quotes = [m.span() for m in _QUOTED.finditer(text)]

    def replaced(m: re.Match[str]) -> str:
        if any(a < m.start() < b for a, b in quotes):
            return m.group()
        if m["mine"]:
            return f"{WHO}'s own" if m["mine"].endswith("own") else f"{WHO}'s"
        if m["me"]:
            return {"us": OTHERS, "ourselves": "themselves", "myself": "themselves"}.get(m["me"].lower(), WHO)
        if m["we"]:
            return OTHERS + (f" {_WE_CLIPS[m['clip2']]}" if m["clip2"] else "")
        if _NUMERAL.search(text, max(0, m.start() - 12), m.start()):
            return m.group()
        tail = (m["gap"] or "") + (m["verb"] or "")
        if clip := m["clip"] or m["slip"]:
            return f"{WHO} {_CLIPS[clip]}{tail}"
        return WHO + (m["gap"] or "") + (agree(m["verb"]) if m["verb"] else "")

    return _FIRST.sub(replaced, text)


def agree(verb: str) -> str:
    """A verb as it follows "I", as it follows a name: have, has; try, tries; went, went."""
    plain = verb.replace("’", "'")
    if plain in _AGREE:
        return _AGREE[plain]
    if plain in _FIXED or (plain.endswith(("ed", "ing", "n't", "ly")) and plain not in _PRESENT):
        return verb
    if plain.endswith(("s", "x", "z", "ch", "sh", "o")):
        return verb + "es"
    if plain.endswith("y") and plain[-2:-1] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def told(text: str, speaker: str, *, alone: bool = False) -> str:
    """The marks replaced by the speaker's name, or by the first person when nobody is named."""
    if speaker:
        return text.replace(WHO, speaker)
    if alone and text == WHO:
        return "I"
    return text.replace(f"{WHO}'s", "my").replace(OTHERS, "we").replace(WHO, "me")
