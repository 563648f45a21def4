"""A memory as a prompt shows it: "- [2024-04-02] Ana: I moved to Porto. (until 2024-09-01) [3f2a91bc]".

Idea:    who said it and when are read off, so that "I" is known and the later of two values is; a plain text is itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from remanence.lm.rule.attributes import Statement
from remanence.lm.rule.person import third_person, told
from remanence.lm.rule.telling import tell

_SHOWN = re.compile(
    r"-\s\[(?P<day>\d{4}-\d\d-\d\d)\]\s(?:(?P<who>[^:\n]{1,60}?):\s)?(?P<text>.*?)"
    r"(?:\s\(until\s(?P<until>\d{4}-\d\d-\d\d)\))?(?:\s\[\w{1,12}\])?\s*$",
    re.DOTALL,
)
LONGEST = 4000  # characters of a memory that are read


@dataclass(frozen=True, slots=True)
class Shown:
    """What a memory says, who said it ("" if unknown), and the days it began and ended to hold ("" if unknown)."""

    text: str
    who: str = ""
    day: str = ""
    until: str = ""

    def says(self) -> Iterator[Statement]:
        """Its statements, with the speaker's name where that is known."""
        for one in tell(self.text, who=self.who):
            for s in one.says:
                yield Statement(told(s.subject, self.who), s.relation, told(s.object, self.who)) if self.who else s

    def told(self) -> str:
        """Its text in the third person, when it is known who speaks."""
        return told(third_person(self.text), self.who) if self.who else self.text


def shown(memory: str) -> Shown:
    """The memory without what stands around it."""
    m = _SHOWN.match(memory[:LONGEST]) if memory.startswith("- [") else None
    if m is None:
        return Shown(memory[:LONGEST])
    return Shown(m["text"], m["who"] or "", m["day"], m["until"] or "")
