"""Where an object ends: "Lisbon last year because of work" is Lisbon.

Idea:    cut at the first mark or word that begins another thought, then drop time words and fillers from the end.
"""

import re

from remanence.lm.rule.later import Later
from remanence.lm.rule.person import WHO
from remanence.lm.rule.words import UPPER

NAME = (
    rf"[{UPPER}][\w.&’'-]*(?:\s+(?:of\s+|the\s+|de\s+|da\s+|do\s+|van\s+|von\s+|der\s+|&\s+)*[{UPPER}0-9][\w.&’'-]*)*"
)

_THOUGHT = (
    r"[;!?()\[\]\n\"“”]|\.(?=\s|$)|\s[-–—]+\s|—|\.\.|…"
    r"|:(?!\S)|,\s+(?:it|they|he|she|you|we|there|this|that|especially|like|even|not)\b"
    r"|,?\s+(?:but|because|cause|cuz|since|so|when|while|which|who|whose|where|after|before|though"
    r"|although|unless|until"
    r"|if|then|during|despite|due\s+to|thanks\s+to|as\s+(?:well|I|of|my|soon)|to\s+be\s+(?:with|closer)"
    r"|in\s+order|that's)\b"
    rf"|,?\s+and\s+(?:{WHO}|he|she|they|it|we|you|there|that|this|now|then|the|my|is|was|has|am|are|\w+ed\b|\w+ing\b)"
    r"|\s+for\s+(?:about |almost |over |nearly |around |more than |the (?:last|past) )?(?:\d+|an?|one|two"
    r"|three|four|five|six"
    r"|seven|eight|nine|ten|many|several|some|few|ages|years|months|now|work|good|ever|sure|me|us)\b"
    rf"|,?\s+(?:with|and)\s+{WHO}|\s+back\s+in\s|\s+as\s+an?\s"
    r"|\s+(?:around|on|in|about)\s+(?:the\s+(?:week|weekend|evening|morning|afternoon|night)\s+of\s+)?\d{1,2}\s+[A-Z]"
)
_ONE = re.compile(rf"{_THOUGHT}|,(?!\s*[{UPPER}0-9])|,?\s+and\s+(?=[a-z])")
_MANY = re.compile(_THOUGHT)
_TAIL = re.compile(
    r"[\s,]*(?:\b(?:now|nowadays|these days|today|again|too|any ?more|any longer|no longer|a lot|so much|very much"
    r"|really|recently|currently|at the moment|right now|lately|already|yet|still|instead|though|tho|haha"
    r"|lol|btw|please"
    r"|soon|also|the most|more than anything|here|actually|permanently|full[- ]time|part[- ]time|of course|by the way"
    r"|every (?:day|week|weekend|morning|summer|year)|honestly|all the time|most|best|(?:in|on|since|around|from|until"
    r"|by|this|last|next|about)(?: (?:early|late|the|summer|spring|autumn|winter|fall|week|weekend|of|about))*"
    r" (?:\d{1,2}(?:st|nd|rd|th)? )?(?:(?:1[0-9]|20)\d\d|(?:January|February|March|April|May|June|July|August|September"
    r"|October|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|summer|spring|autumn|winter"
    r"|year|month|week)(?: \d{1,2}(?:st|nd|rd|th)?)?(?:,? (?:1[0-9]|20)\d\d)?))|[^\w)%+#.'’°€$£]+)$",
    re.IGNORECASE,
)
_HEAD = re.compile(r"[\s,:'\"“”‘’]*(?:(?:an?|the|some|also|now|both|such)\s+(?=\S))?")
_EMPTY = re.compile(
    r"(?:as|for|when|ever|mostly|with|together|around|is|are|was|it|its|it's|them|this|that|those|these|you"
    r"|your|him|how|what|and|of|-|to)\b(?!\s+\w+\s+\w+)|-",
    re.IGNORECASE,
)
_TO_DO = re.compile(r"(?:to|doing|in)\s+(?=[a-z])")

_AT = Later(
    r"(?:now |being |been |got |currently )*(?:(?:re)?scheduled|set|booked|planned|moved|postponed"
    r"|pushed(?: back)?|delayed"
    r"|due|shifted|brought forward)?\s*(?P<by>on|at|in|for|to|until|till|by|from)\s+(?P<value>.+)",
    re.IGNORECASE,
)
_WHERE = Later(
    rf"\s(?:in|at)\s+(?:the\s+)?(?!(?:January|February|March|April|May|June|July|August|September|October"
    rf"|November|December)\b)[{UPPER}]"
)
_OFF = Later(r"(?:now |been |got )*(?P<off>cancell?ed|called off|postponed|over|confirmed)\b", re.IGNORECASE)
_TIME = Later(
    r"(?:(?:on|at|the)\s+)*(?:\d{1,2}(?::\d\d|\s*[ap]\.?m|(?:st|nd|rd|th)?\s+\w|st|nd|rd|th|\b$)|noon"
    r"|midnight|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
    r"|Mon\b|Tue|Wed\b|Thu|Fri\b|Sat\b|Sun\b|Jan|Feb|Mar(?:ch)?\b|Apr|May\b|June?\b|July?\b|Aug|Sep|Oct"
    r"|Nov|Dec|next|this|tomorrow|today|week|morning|(?:19|20)\d\d)",
    re.IGNORECASE,
)


def tidy(text: str, *, many: bool) -> str:
    """The object at the start of the text; `many` lets it be a list."""
    cut = (_MANY if many else _ONE).search(text, 1)
    text = text[: cut.start()] if cut else text
    head = _HEAD.match(text)
    text = text[head.end() :] if head else text
    if many and (todo := _TO_DO.match(text)):
        text = text[todo.end() :]
    for _ in range(4):
        short = _TAIL.sub("", text).rstrip(".,’' ")
        if short == text:
            break
        text = short
    return "" if len(text.split()) > 14 or _EMPTY.match(text) else text


def appointed(text: str) -> tuple[str, str] | None:
    """("when" or "where", value) of what is said about an appointment: "moved to Friday", "at the town hall"."""
    if off := _OFF.match(text):
        return "when", off["off"].lower().replace("canceled", "cancelled")
    found = _AT.match(text)
    if not found:
        return None
    timely = _TIME.match(found["value"])
    place = _WHERE.search(found["value"]) if timely else None
    if place:
        found = _AT.match(f"on {found['value'][: place.start()]}") or found
    # A time keeps its dates, which tidy would drop from the end.
    value = re.split(r"[.;!?](?:\s|$)|,?\s+(?:but|because|so|and|with)\s", found["value"], maxsplit=1)[0].strip(" ,")
    return ("when", value) if timely else ("where", tidy(found["value"], many=False))
