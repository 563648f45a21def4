"""How much it would matter to have forgotten a text, from what can be seen on it.

Idea:    names, numbers, dates, first-person events, promises, feelings each add; questions and greetings have little.
         Cues add up to a sum s and the answer is 1 - exp(-s), so it never reaches 1.
Differs: made up, not learnt; Park et al. 2023 (arXiv 2304.03442) ask a model for the same number.
"""

import math
import re

from remanence.lm.rule.days import DATE, RELATIVE
from remanence.lm.rule.later import Later
from remanence.lm.rule.names import names
from remanence.lm.rule.sentences import sentences, states
from remanence.lm.rule.telling import tell
from remanence.lm.rule.words import content

CUES = {  # pattern: what it adds once
    r"\b(?:I|we|my|our)\b": 0.10,
    r"\b(?:married|engaged|divorced|pregnant|born|died|passed away|funeral|diagnosed|hospital|surgery|cancer|accident"
    r"|graduated|promoted|hired|fired|laid off|retired|moved|moving|adopted|broke up|wedding|baby|allergic)\b": 0.55,
    r"\b(?:promise|deadline|appointment|meeting|interview|exam|flight|due|remember|don't forget|must|need to|have to"
    r"|plan(?:ning)? to|going to|will|decided|agreed|schedule[d]?)\b": 0.25,
    r"\b(?:love|hate|afraid|scared|proud|heartbroken|devastated|thrilled|excited|worried|grateful|depressed|anxious"
    r"|lonely|furious|miss)\b": 0.20,
    r"\b(?:password|phone|email|address|birthday|pin|account|allerg\w+|medication|insurance|passport)\b": 0.45,
    r"\d": 0.20,
}
_CUES = [(Later(pattern, re.IGNORECASE), weight) for pattern, weight in CUES.items()]


def importance(text: str) -> float:
    """In [0, 1)."""
    text = text[:20_000]
    said = [text[a:b] for a, b in sentences(text)]
    stating = " ".join(s for s in said if states(s))
    if not stating:
        return round(0.05 * min(1.0, len(content(text)) / 5), 4)
    total = sum(weight for cue, weight in _CUES if cue.search(stating))
    total += 0.15 if RELATIVE.search(stating) or DATE.search(stating) else 0.0
    total += 0.08 * min(4, len({name for _, _, name in names(stating)}))
    total += 0.20 * min(3, sum(1 for told in tell(text[:4000]) if told.says))
    total += 0.02 * min(15, len(set(content(stating))))
    return round(1 - math.exp(-total), 4)
