"""The auxiliaries and adverbs before a verb, and what they say of it: denied, past, to come, only wished.

Idea:    one small word at a time, until a verb of the table or something unknown stands there.
"""

import re
from dataclasses import dataclass

from remanence.lm.rule.verbs import VERBS

AUX = re.compile(
    r"\s*(?:(?P<denied>not|no\s+longer|never|(?P<stopped>(?:stopped|ceased)\s+being)|(?P<been>is|are|was|were)n['’]t"
    r"|(?:do|does|did|has|have|had)n['’]t)"
    r"|(?P<coming>will|['’]ll)|(?P<wished>would|could|might|may|should|must|can(?:['’]?t)?|cannot|won['’]t|wouldn['’]t|couldn['’]t"
    r"|['’]d|if|almost|nearly|wants?\s+to|hopes?\s+to|plans?\s+to|going\s+to|used\s+to\s+want)"
    r"|(?P<used>used\s+to(?P<were>\s+be)?|formerly|previously)|(?P<past>was|were|had)|(?P<be>am|is|are|['’](?:s|m|re)|gets?|got)"
    r"|(?P<begun>been)|(?:be|being|have|has|['’]ve|do|does|did)"
    r"|(?:now|just|recently|currently|also|really|still|always|finally|actually|originally|happily|already|both|all"
    r"|absolutely|definitely|totally|usually|often|mostly|officially|newly|so|very|quite|super|deeply|severely|truly"
    r"|only|even|ever|mainly|temporarily|permanently|presently|once|completely|generally|suddenly|proudly|since|then"
    r"|later|eventually|kind\s+of|kinda|sort\s+of|sometimes|here))(?![\w-])",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Mood:
    """What the small words before a verb have said."""

    be: bool = False
    past: bool = False
    denied: bool = False
    wished: bool = False
    coming: bool = False


def read(clause: str, at: int, mood: Mood) -> int:
    """Read on from `at`, note what is found in the mood, and say where the verb stands."""
    while True:
        start = at
        while start < len(clause) and clause[start] == " ":
            start += 1
        if VERBS.match(clause, start):
            return start
        aux = AUX.match(clause, at)
        if aux is None:
            return start
        mood.denied |= bool(aux["denied"])
        mood.wished |= bool(aux["wished"])
        mood.coming |= bool(aux["coming"])
        mood.past |= bool(aux["past"] or aux["used"] or (aux["been"] or "").startswith("w"))
        mood.be |= bool(
            aux["be"] or aux["been"] or aux["past"] in ("was", "were") or aux["were"] or aux["stopped"] or aux["begun"]
        )
        at = aux.end()
