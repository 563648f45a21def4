"""Text to sentences, and which of them state something.

Idea:    a full stop ends a sentence unless it belongs to an abbreviation, an initial, a number or a quotation; a line
         ends one unless it looks hard-wrapped.
Cost:    O(characters).
Differs: no model and no list of proper names, so "Yahoo! is" is split.
"""

import re
from bisect import bisect_right

from remanence.lm.rule.words import UPPER, listed

Span = tuple[int, int]

_EMOJI = "\U0001f300-\U0001faff\u2600-\u27bf\ufe0f"
_END = re.compile(
    rf"""(?<![.!?…‽؟])[.!?…‽؟]++["'”’»)\]]*(?=\s|$|[{_EMOJI}])  # . ! ? and what closes after it
      | [。！？]+[」』”]?                           # the full-width ones need no space
      | \n\s*                                      # the end of a line
      | (?<![{_EMOJI}])[{_EMOJI}]++\s+(?=[A-Z])    # an emoji used as a full stop
    """,
    re.VERBOSE,
)
_QUOTED = re.compile(r'"[^"\n]{1,300}"|“[^”\n]{1,300}”|«[^»\n]{1,300}»')
# Never the last word of a sentence.
_TITLE = listed("""mr mrs ms mx dr prof st sgt capt lt col gen rev hon sen rep gov pres fr vs cf eg viz ca""")
_ABBREVIATION = listed(
    """jr sr inc ltd co corp bros dept univ approx appt apt ave blvd rd no nos fig figs vol pp ed eds est etc min max
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun am pm"""
)
_INITIALS = re.compile(rf"(?:^|[^\w])((?:[{UPPER}a-z]\.)*[{UPPER}a-z])$")
_STARTER = re.compile(r"\s*(?:The|He|She|It|They|We|I|In|On|At|But|And|His|Her|My|This|That|There|After|When|You)\b")
_BULLET = re.compile(r"(?:[-*•–—>#]+\s+|\d{1,2}[.)]\s+|\[[ xX]?\]\s+)+")
_ENUMERATOR = re.compile(r"(?:^|\n)[ \t]*\d{1,2}$")

_ASKS = re.compile(
    r"(?:(?:and|but|so|ok|hey|hi|well)[, ]+)*(?:"
    r"(?:do|does|did|are|is|was|were|can|could|would|will|have|has|had|should|shall|may)(?:n['’]t)?"
    r"\s+(?:i|you|he|she|it|they|we|there|that|this|anyone|your)\b"
    r"|(?:who|what|when|where|why|how|which|whose)(?:['’]s|\s+(?:\w+\s+)?(?:do|does|did|are|is|was|were|can|could|would"
    r"|will|have|has|had|should)\b(?!\s+(?:i|we)\s+\w+ed))|(?:how|what)\s+about\b|any\s+(?:idea|plans|tips)\b)",
    re.IGNORECASE,
)
_REACTS = re.compile(
    r"(?!my\s+(?:job|work|idea)\s+is\b)(?:(?:oh|ah|aw+|wow|whoa|yeah|yep|yes|no|nope|nah|ok|okay|hey|hi|hello|hiya|bye|goodbye|cheers|thanks|thank\s+you"
    r"|thx|congrats|congratulations|sure|cool|nice|great|awesome|amazing|right|true|exactly|absolutely|definitely"
    r"|totally|agreed|haha+|lol|omg|sorry|please|welcome|good|morning|night|evening|afternoon|luck|job|work|point|idea"
    r"|so|much|very|really|just|a|lot|for|the|sharing|asking|help|advice|support|kind|words|and|all|again|too|that|this"
    r"|to|hear|you|you're|take|care|talk|see|soon|later|then|now|not|at|problem|worries|course|of|my|god|gosh|well|well"
    r"|done|way|go|going|proud|happy|glad|excited|everyone|there|it|is|me|both)\b[\s,!.'’~…-]*)+"
    r"(?:(?-i:[A-Z])\w*[\s,!.]*){0,2}$",
    re.IGNORECASE,
)
_VERDICT = re.compile(
    r"(?:(?:oh|wow|yeah|aw+|hey|well|ok),?\s+)*(?:that|this|it|sounds?|looks?|what|how|such|they|those)"
    r"(?:['’`]s|['’]re|\s+(?:is|was|are|were|sounds?|looks?|seems?|must\s+be))?(?:\s+(?:like|so|really"
    r"|very|such|too|a|an"
    r"|pretty|absolutely|super|just))*\s+(?:awesome|amazing|great|cool|nice|wonderful|lovely|fantastic"
    r"|incredible|fun|good"
    r"|beautiful|interesting|exciting|adorable|cute|perfect|impressive|inspiring|true|right|sad|tough|awful|terrible"
    r"|hilarious|delicious|yummy|blast|news|idea|plan|point|shame|pity|sweet|neat)\b(?:\s+(?:to\s+hear"
    r"|news|idea|time|job"
    r"|of\s+you|work|too|then))?[\s,!.~]*(?:(?-i:[A-Z])\w*)?[\s!.~]*$",
    re.IGNORECASE,
)
_URGES = re.compile(
    r"(?:so |just |please |and )*(?:keep (?:up|it|going|at|me|on|pushing|those)|let['’]?s |let me know"
    r"|good luck|have (?:a|fun)|"
    r"take care|hang in|stay (?:safe|strong|tuned|positive)|can['’]?t wait|enjoy (?:your|the|it)|tell me"
    r"|hope (?:you|it|that"
    r"|your)|go for it|don['’]t worry|no worries|c['’]mon|come on|looking forward to hear|talk to you"
    r"|see you|you (?:rock|"
    r"got this|can do|deserve|['’]re (?:welcome|awesome|amazing|the best))|you['’]re (?:so "
    r"|very )?(?:welcome|awesome|amazing"
    r"|right|the best))",
    re.IGNORECASE,
)


def sentences(text: str) -> list[Span]:
    """(start, end) of every sentence, without the white space around it."""
    quotes = [m.span() for m in _QUOTED.finditer(text)]
    starts = [a for a, _ in quotes]
    spans: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        i = bisect_right(starts, match.start()) - 1
        inside = i >= 0 and match.end() < quotes[i][1]
        if inside or (match.group()[0] == "." and not _ends(text, start, match)):
            continue
        if match.group()[0] == "\n" and _wrapped(text, start, match):
            continue
        _keep(text, start, match.end(), spans)
        start = match.end()
    _keep(text, start, len(text), spans)
    return spans


def states(sentence: str) -> bool:
    """False for a question, a greeting, a bare reaction, an encouragement, or something without two words."""
    bare = sentence.strip(" \t\n\"'“”*_")
    if len(bare) > 400:
        return True
    if bare.endswith(("?", "？", "؟", "?!", "?)")) or _ASKS.match(bare):
        return False
    if not any(c.isalpha() for c in bare) or (" " not in bare and bare.isascii()):
        return False
    return not (_REACTS.match(bare) or _VERDICT.match(bare) or _URGES.match(bare))


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    if len(match.group()) > 1 and match.group()[1] in ".!?…":
        return not text[match.end() :].lstrip(" ")[:1].islower()  # "..." may only be a pause
    before = text[max(start, match.start() - 24) : match.start()]
    if _ENUMERATOR.search(before) and not before.strip().rstrip("0123456789"):
        return False
    last = before.rsplit(None, 1)[-1].lstrip("(\"'“").lower() if before.strip() else ""
    follows = text[match.end() : match.end() + 12]
    if match.group()[1:] and follows.lstrip(" ")[:1].islower():
        return False  # he said "yes." and left
    if last in _TITLE or last in ("e.g", "i.e"):
        return False
    if last in _ABBREVIATION:
        return bool(_STARTER.match(follows)) or not follows.strip()
    if last != "i" and _INITIALS.search(before):
        return bool(_STARTER.match(follows)) or not follows.strip()
    return True


def _wrapped(text: str, start: int, match: re.Match[str]) -> bool:
    line = text[max(start, text.rfind("\n", 0, match.start()) + 1) : match.start()]
    return match.group().count("\n") == 1 and len(line) >= 60 and not _BULLET.match(text, match.end())


def _keep(text: str, start: int, end: int, spans: list[Span]) -> None:
    while start < end and text[start].isspace():
        start += 1
    if bullet := _BULLET.match(text, start, end):
        start = bullet.end()
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))
