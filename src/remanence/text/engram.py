"""What happened, what is so and how things are to be done: one router tells them apart, one retriever brings them back.

Source:  "ENGRAM: Effective, Lightweight Memory Orchestration for Conversational Agents", Patel, Patel 2025
         (arXiv 2511.12960).
Idea:    a turn becomes records of one or more kinds; a question gets the nearest of each kind, so that chatter about
         one event, which is many turns, cannot take the places of the fact or the instruction that was said once.
Cost:    write one question (`facts`) a turn, one embedding a record; read three scans of vectors; no model calls.
Differs: the router and what it calls for each kind are rules, not a model: what relates two things is a fact, what a
         cue tells is an instruction, all that neither takes whole is an episode. A passage comes back once, as the best
         of its records, and places that no kind claims go to the nearest left over. One bank, not one for each speaker.

Kinds: episodic (the turn, with its time); semantic (a fact, as a sentence that stands alone); procedural (instructions,
preferences and steps, from the first such sentence of a piece of text to the last).
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from remanence.errors import BadConfig
from remanence.lm.base import Base as LM
from remanence.lm.rule.sentences import sentences
from remanence.lm.rules import Rules
from remanence.records import Event, Hit, Op, Query, Record, Source, add
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import vector_of
from remanence.text.parts.facts import facts
from remanence.text.parts.kinds import only
from remanence.text.parts.passages import Passage, once
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import spans, turn

KINDS = ("episodic", "semantic", "procedural")
CUE = re.compile(
    r"\b(from now on|in (the )?future,|make sure|be sure to|remember to|don['’]t forget|step \d|how to"
    r"|please (do|don['’]t|always|never)|(you|we) (should|must|need to|have to|ought to)"
    r"|the (trick|way|rule|procedure) (to|is|for)|(i|we)(['’]d| would)? (much )?(prefer|rather)"
    r"|when(ever)? (i|you|we) \w+[^.!?]*, (please|always|never|then)\b)"
    r"|^\W*(please|always|never (?!mind|been|had|again|thought|knew|seen|heard)|first(ly)?,|then,|next,|finally,)",
    re.IGNORECASE,
)
ITEM = re.compile(r"^[ \t]*(\d{1,2}[.)]|[-*•])\s+\Z", re.MULTILINE)  # before a sentence that is a step of a list
WORD = re.compile(r"\w")


@dataclass
class Engram(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    share: float = 0.8  # of the k places, the most that one kind claims; the paper's: 20 of 25
    ahead: int = 3  # records looked at for each place: a long turn has many facts, and is one piece of evidence

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise BadConfig(f"share must be in (0, 1], got {self.share}")
        if self.ahead < 1:
            raise BadConfig(f"ahead must be at least 1, got {self.ahead}")

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return [add(record) for event in events for record in self._routed(event)]

    def read(self, query: Query, store: Store) -> list[Hit]:
        """The nearest of each kind, each passage once, best first; the nearest left over fill what places remain."""
        vector = vector_of(query, store)
        most = math.ceil(self.share * query.k)
        found: list[Hit] = []
        claimed: set[Passage] = set()
        for kind in KINDS:
            near = store.find_vectors(vector, only(query.filter, kind), query.k * self.ahead)
            mine = once(hits(near, store, kind))
            found += mine.values()
            claimed |= set(list(mine)[:most])
        best = once(sorted(found, key=lambda hit: -hit.score))
        chosen = sorted(best, key=lambda passage: passage not in claimed)[: query.k]
        return [hit for passage, hit in best.items() if passage in chosen]

    def _routed(self, event: Event) -> Iterator[Record]:
        """What the event holds of each kind; the whole turn too, unless the others hold all its words."""
        semantic = [replace(fact, kind="semantic") for fact in facts(self.lm, [event]) if fact.meta.get("relation")]
        for start, end in spans(event.text):
            told = turn(event, start, end)
            procedural = [
                replace(told, kind="procedural", text=event.text[a:b], sources=(Source(event.id, a, b),))
                for a, b in _instructions(event.text, start, end)
            ]
            taken = [source for record in (*semantic, *procedural) for source in record.sources]
            if _left(event.text, start, end, taken):
                yield replace(told, kind="episodic")
            yield from procedural
        yield from semantic


def _instructions(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """From the first sentence with a cue to the last, so that steps stay together; a question instructs nobody."""
    cued = []
    for a, b in sentences(text[start:end]):
        said, item = text[start + a : start + b].rstrip(), ITEM.search(text, start, start + a)
        if item or (CUE.search(said) and not said.endswith("?")):
            cued.append((item.start(1) if item else start + a, start + b))
    if cued:
        yield cued[0][0], cued[-1][1]


def _left(text: str, start: int, end: int, taken: Sequence[Source]) -> bool:
    """Whether a word of this piece stands in none of the spans taken."""
    inside = [(source.start, source.end) for source in taken if source.start < end and start < source.end]
    words = (word.start() for word in WORD.finditer(text, start, end))
    return any(not any(a <= at < b for a, b in inside) for at in words)
