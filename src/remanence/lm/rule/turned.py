"""The value first: "X is my manager now", "X is no longer my favourite dish", "X took over as my boss".

Idea:    what stands before the verb may be any few words, for the noun after it tells what kind of value it is.
Differs: a value of more than six words is not looked for.
"""

import re

from remanence.lm.rule.attributes import OWNER, Statement, owned_value
from remanence.lm.rule.later import Later
from remanence.lm.rule.person import WHO

UNKNOWN = "Somebody"  # "Somebody is Ana's boss": what a question leaves open, whenever it held
_ADVERB = (
    r"(?:(?:now|currently|also|still|officially|actually|really|just|recently|always|finally|by\s+far|hands\s+down"
    r"|definitely|easily)\s+)*"
)
_TURNED = Later(
    rf"""(?P<value>[^\s,;:!?{WHO}]+(?:\s+[^\s,;:!?{WHO}]+){{0,5}}?)
    (?:\s+{_ADVERB}(?:
        (?P<ended>(?:isn|aren)['’]t|(?:is|are)\s+{_ADVERB}(?:not|no\s+longer|never)
          |(?:has|have)\s+(?:stopped|ceased)\s+being|stopped\s+being|(?:has\s+|have\s+)?stepped\s+down\s+as
          |(?:has\s+|have\s+)?lost\s+(?:its|their|his|her)\s+(?:place|spot|title|crown|job)\s+as
          |(?:was|were|got|(?:has|have)\s+been)\s+(?:replaced|dethroned|overtaken)(?:\s+by\s+[^,;]{{1,30}}?)?\s+as)
      | (?:was|were|got|(?:has|have)\s+been)\s+(?:made|named|appointed)(?:\s+as)?
      | (?:is|are)\s+taking\s+over\s+as|(?:is\s+acting|acts|serves)\s+as
      | (?P<past>(?:was|were|used\s+to\s+be|(?:has|had|have)\s+once\s+been)(?!\s+(?:not|never)\b))
      | (?:is|are|became|becomes|(?:has|have)\s+{_ADVERB}(?:become|been))
      | (?:(?:has|have)\s+{_ADVERB})?(?:took|taken|takes)\s+over(?:\s+from\s+[^,;]{{1,30}}?)?\s+as
      | (?:(?:has|have)\s+{_ADVERB})?(?:replaced|succeeded|replaces|overtaken|beaten|beats)\s+[^,;]{{1,30}}?\s+as
      )|['’]s)\s+
    {_ADVERB}(?P<one>one\s+of\s+)?(?P<owner>{OWNER}(?:['’]s\s+[a-z-]+)??)['’]s\s+
    (?P<what>[\w-]+(?:\s+(?!(?:now|any\w*|these|at|by|again|instead|since|from|for|of|to|in|so|and|but|right|once|too)\b)[\w-]+){{0,4}})
    (?P<all>\s+of\s+all\s+time)?
    (?=\s*(?:[.,!;:)]|$|(?:now|any\w*|these|at|by|again|instead|since|from|for|right|once|too|and|but|because|so)\b))
    """,
    re.VERBOSE,
)
_OPENS = Later(
    r"(?:it|this|that|there|here|he|she|they|we|who|what|which|where|when|how|if|maybe|perhaps|imagine|and|but|so|not|no"
    r"|one|some|too|looks|seems|sounds|guess|as\s+of|someone|somebody|nobody|everyone|all|wish|hope|these|those|you|your)\b(?!['’]?\w*\s+[A-Z]\w*ing)",
    re.IGNORECASE,
)


_BACK = Later(
    r".*?\b(?:of|off|with|on|about|the|an?|some|discovered|tried|tasted|loves?|likes?|hates?|found|met|know|knows)\s+"
    r"(?P<value>[\w-]+(?:\s+[\w-]+){0,3}?),\s+(?:(?:and|but|so)\s+)?(?:it|that|he|she|they)(?=['’]s\b|\s)(?P<rest>.+)"
)


def turned(clause: str) -> Statement | None:
    """The statement of a clause that names the value before what it is a value of."""
    if ", " in clause and (back := _BACK.match(clause)):  # "I have gone off it, it is no longer ..."
        clause = back["value"] + back["rest"]
    once = clause.lower().startswith("once ")
    m = _TURNED.match(clause, 5 if once else 0)
    if m is None:
        return None
    if m["value"] == UNKNOWN and m["owner"] != WHO:
        return owned_value(m["owner"], m["what"], UNKNOWN, checked=False)
    if _OPENS.match(clause):
        return None
    found = owned_value(m["owner"], m["what"], m["value"], sure=True)
    if found is None:
        return None
    if m["one"]:
        return Statement(found.subject, "likes", found.object) if found.relation.startswith("favourite") else None
    mark = "not_" if m["ended"] else "past_" if m["past"] else ""
    return Statement(found.subject, mark + found.relation, found.object)
