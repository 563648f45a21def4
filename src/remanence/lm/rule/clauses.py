"""A sentence to clauses, each with a subject of its own, and without the words that only lead in.

Idea:    "I live in Porto and work at Acme, but my sister moved" is three clauses; the second borrows its "I".
Differs: a split is only used where a statement is found on both sides (see telling.py), so most sentences stay whole.
"""

import re
from collections.abc import Iterator

from remanence.lm.rule.person import WHO
from remanence.lm.rule.words import UPPER

_ADVERBS = r"(?:(?:now|then|also|still|just|recently|currently|finally|already|even|later)\s+)*"
_BREAK = re.compile(
    rf"""(?P<whole>
        \s*[,;]?\s+(?:and|but|so|plus|while|yet|then)\s+{_ADVERBS}(?=(?:{WHO}|I|i|we|my|our|he|she|they|his|her)(?:\s
        |['’])|[{UPPER}]\w+(?:['’]s)?\s+(?:is|has|lives|works|moved|loves|likes|hates)\b)
      | ;\s+ | \s[-–—]+\s | \s*—\s*
      | ,\s+(?=(?:I|my|{WHO})(?:\s|['’])
        |[\w-]+(?:\s+[\w-]+){{0,3}}?\s+(?:is|are)\s+(?:now\s+)?(?:(?:my|our)\s|{WHO}['’]s\s))
      )
    | (?P<shared>\s+to\s+(?=join\s+[{UPPER}])
      |,?\s+(?:and|but)\s+{_ADVERBS}(?=(?:works?|worked|lives?|lived|loves?|loved|likes?|hates?
        |enjoys?|plays?|stud(?:y|ies)|
        moved|joined|bought|sold|adopted|started|quit|left|got\s+(?:married|engaged|divorced|promoted|an?\s)
        |prefers?|owns?|speaks?
        |has\s+an?\s|have\s+(?:an?|two|three)\s|am\s+allergic|is\s+allergic|don['’]t\s+like|became|learn|hired)\b))
    """,
    re.VERBOSE,
)
_LEADS = re.compile(
    r"(?:(?:(?:oh|ah|aww*|wow|whoa|yeah|yep|yes|yup|no|nope|nah|ok|okay|hey|hi|hello|thanks|thank\s+you"
    r"|thx|sure|cool|nice"
    r"|great|awesome|well|btw|by\s+the\s+way|fyi|haha+|lol|omg|anyway|sorry|ps|p\.s|guess\s+what|update"
    r"|note|reminder|exactly"
    r"|for\s+the\s+record|just\s+so\s+you\s+know|for\s+sure|same\s+here|no\s+problem|of\s+course"
    r"|absolutely|definitely|totally)"
    r"(?:,?\s+(?-i:[A-Z])\w+)?\s*[,!.:;…-]+\s*"
    r"|(?:so|and|but|also|plus|well|yeah|btw|fyi)\s*,?\s+(?=\S)"
    r"|(?:please\s+)?(?:remember|note|keep\s+in\s+mind|don['’]t\s+forget)(?:\s+that\b|:)?\s+(?=I\b|my\b"
    r"|the\b|we\b|our\b|(?-i:[A-Z]))"
    rf"|[^\w\"'“(\[$€£#@{WHO}]+))+",
    re.IGNORECASE,
)
_HEDGES = re.compile(
    rf"""(?:
      (?:{WHO}|[Ii]t)\s+(?:just\s+)?(?:thinks?|would\s+say|guess(?:es)?|believes?|knows?|heard|says?|said|mentioned
        |found\s+out|turns\s+out|feels?\s+like|wanted\s+to\s+(?:say|tell\s+you|let\s+you\s+know)|(?:is
        |am)\s+(?:happy|proud|excited)\s+to\s+(?:say|announce))\s+(?:that\s+)?(?=[{WHO}{UPPER}]|the\s)
    | {WHO}\s+(?:(?:just|really|do|does)\s+)?(?:likes?|loves?|hates?|regrets?|remembers?|forgot
        |is\s+(?:so\s+)?(?:glad|happy|sad|sorry|lucky|proud))\s+that\s+
    | (?:the\s+)?(?:best|good|bad|worst|nice|funny|important|only|main)\s+(?:thing|part|news|bit)\s+is\s+(?:that\s+)?
        (?={WHO})
    | (?!(?:if|unless|when|suppose|imagine)\s+(?!you\b))[^:;.!?"“{WHO}]{{2,40}}{WHO}?[^:;.!?"“{WHO}]{{0,20}}:\s+
        (?={WHO}|\S+\s+(?:is|are)\s)
    | (?:if|in\s+case)\s+you\b[^,;:]{{1,50}},\s+(?={WHO})
    | [{UPPER}]\w+,\s+(?={WHO})
    | (?:on|in|around|since)\s+(?:(?:early|late|the\s+(?:week|weekend|evening|morning|afternoon)\s+of
        |about)\s+)*(?:\d{{1,2}}(?:st|nd|rd|th)?\s+)?(?:[{UPPER}]\w+\s+)?(?:1\d|20)\d\d,?\s+
    | (?:in|on|at|since|after|before|during|when|around|by|as|back|last|originally|unfortunately|sadly|luckily
        |for|with)\b[^,{WHO}]{{0,50}},\s+
    | (?:after|before|when|since)\b[^,]{{0,60}},\s+
    | (?:as\s+of|since|from)\s+(?:now\s+on|today|on\s+\d+\s+\w+\s+\d+|\d+\s+\w+\s+\d+),?\s+
    | here\s+in\s+[{UPPER}]\w+,?\s+(?={WHO})
    | (?:at\s+the\s+moment|at\s+present|right\s+now|for\s+now|nowadays|lately|suddenly)\b,?\s+
    | (?:now|currently|recently|nowadays|today|also|then|finally|actually|still|these\s+days|unfortunately
        |sadly|luckily|originally|honestly|apparently|today|lately|basically)\b,?\s+
    )+""",
    re.VERBOSE | re.IGNORECASE,
)

_SUPPOSES = re.compile(
    r"(?:(?:and|but|so|well|maybe|perhaps|even|only|oh)[, ]+)*(?:(?:if|in\s+case|should)\s+(?!you\b|any)"
    r"|(?:unless|suppose|supposing|imagine|pretend|assuming|let['’]?s\s+say|what\s+if|as\s+if)\s)",
    re.IGNORECASE,
)

_ELIDED = re.compile(
    r"(?:(?:just|finally|recently|now|no\s+longer|not|still|currently|officially)\s+)*(?:moved|joined|started|quit|left|got"
    r"|became|bought|adopted|sold|resigned|(?:living|working|based)(?!.*\b(?:is|was|can|must|would|could|makes|has|means|feels)\b))\s",
    re.IGNORECASE,
)


def elided(sentence: str) -> bool:
    """Whether it may lack its "I": "Just moved to Porto!"."""
    return _ELIDED.match(sentence) is not None


def supposes(sentence: str) -> bool:
    """Whether all that the sentence says hangs on a condition; "if you need me, my number is ..." does not."""
    return _SUPPOSES.match(sentence) is not None


def clauses(sentence: str) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether the subject is the clause before's) of every clause that could stand alone."""
    start, shared = 0, False
    for m in _BREAK.finditer(sentence):
        if m.start() > start:
            yield start, m.start(), shared
            start, shared = m.end(), m["shared"] is not None
    yield start, len(sentence), shared


def lead(sentence: str) -> int:
    """How many characters at the start only lead in: "Yeah, btw", "Remember that"."""
    found = _LEADS.match(sentence)
    return found.end() if found and found.end() < len(sentence) else 0


def bare(clause: str) -> str:
    """The clause (first person marked) without hedges and times before its subject."""
    found = _HEDGES.match(clause)
    return clause[found.end() :] if found else clause
