"""What comes in the place of a value that is denied or past: "no longer A, it is B", "used to be A, now it's B".

Idea:    the second half repeats the subject as a pronoun, so what stands after "it is" is a value of the same thing.
"""

from remanence.lm.rule.later import Later
from remanence.lm.rule.objects import NAME

_INSTEAD = Later(
    rf"(?:\s*[,;:–—-]+\s*|\s+)(?:(?:and|but|so|now|today)\s+)*(?:it|he|she|that|they)(?:['’]s|\s+is|['’]re|\s+are)\s+"
    rf"(?:(?:now|currently)\s+)?(?!not\b|no\b|also\b)(?P<value>.+)"
    rf"|\s*,?\s+but\s+(?:now\s+)?(?P<bare>{NAME}|\d.*|[\w-]+(?:\s[\w-]+)?(?=\s*(?:$|[.,!])))|\s*:\s+(?P<colon>.+)"
)


def instead(rest: str) -> str:
    """The later value, with what follows it; empty when there is none."""
    m = _INSTEAD.search(rest)
    return (m["value"] or m["bare"] or m["colon"]) if m else ""
