"""Turns kept short, cut into topics, summed up topic by topic, and put right while nobody waits.

Source:  "LightMem: Lightweight and Efficient Memory-Augmented Generation", Fang, Deng, Xu, Jiang, Tang, Xu, Deng, Yao,
         Wang, Qiao, Chen, Zhang 2025 (arXiv 2510.18866).
Idea:    three stages, as Atkinson and Shiffrin had them. Sensory: of each turn only the telling words are searched.
         Short-term: turns wait until there are enough of them, and leave topic by topic, one summary each. Long-term:
         summaries are compared with like ones that came later, offline, so that writing is never more than appending.
Cost:    write one embedding a turn, no model; consolidate one question (`summary`) a topic, one embedding for it and at
         most `queue` questions (`conflict`); it reads every turn. Read two scans of vectors.
Differs: words are kept by rule, not by LLMLingua-2; the paper's boundaries are where its attention peaks and the cosine
         is low, ours where the cosine alone is lowest. `consolidate` sums topics up, not writing, and from whole turns.
         An entry that a later one updates ends and is not rewritten. Turns are recalled, lifted by the entry of their
         topic; the paper recalls entries, as here a question for their kind does. `alike` is ours: it names no number.

    kept      = the `ratio` of a turn's words that tell most: no stop word, not said before, a name or number, long
    boundary  = between two turns whose cosine is below `alike` and no higher than those before and after it
    score     = cosine of the turn's words + entry * the best cosine, if above 0, of an entry of its topic

Kinds: turn (its `key` are the words kept); summary (an entry, citing its topic's turns, and linked with them).
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar

from remanence.errors import BadConfig
from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Hit, Op, Query, Record, add
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import vector_of
from remanence.text.parts.batch import Batch
from remanence.text.parts.kinds import derived
from remanence.text.parts.lifted import lifted
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import turns
from remanence.text.parts.sessions import line, talks, whole
from remanence.text.parts.terms import STOP, terms

WORD = re.compile(r"\S*\w\S*")
SUMMED, TOLD = "summary", "turn"  # the links from a turn to its entry, and back


@dataclass
class LightMem(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    ratio: float = 0.6  # of a turn's words kept; the paper's, best on average
    alike: float = 0.3  # the cosine from which two turns in a row are of one topic, whatever is around them
    buffer: int = 512  # tokens of kept words (characters / 4) that wait; th, of 256 to 1024 in the paper
    idle: float = 3600.0  # seconds after its last turn a session is over, and nothing of it waits
    words: int = 80  # of an entry
    same: float = 0.8  # the code's: the cosine from which a later entry may change an earlier one
    queue: int = 10  # the code's n: entries that one is compared with
    entry: float = 0.3  # what an entry's cosine counts beside the turn's own
    entries: int = 20  # looked at when reading; the code's
    candidates: int = 100  # turns found by their own words

    def __post_init__(self) -> None:
        if not 0 < self.ratio <= 1:
            raise BadConfig(f"ratio must be in (0, 1], got {self.ratio}")

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        said = [op.new for op in turns(events) if op.new]
        return [add(replace(turn, key=compressed(turn.text, self.ratio))) for turn in said]

    def consolidate(self, store: Store, now: datetime) -> list[Op]:
        """Sum up the topics that need not wait any longer, then compare what is new with what is like it."""
        ops: list[Op] = []
        made: list[Record] = []
        told: dict[str, list[str]] = {}
        for topic in self._leaving(store, now):
            text = self.lm.summary([line(turn) for turn in topic], words=self.words)
            if text.strip():
                made.append(new := whole("summary", text, topic))
                told[new.id] = [turn.id for turn in topic]
                ops += [Op("link", turn, other=new.id, relation=SUMMED) for turn in told[new.id]]
        changes = self._updates(made, told, store)
        ops += [Op("link", entry, other=turn, relation=TOLD) for entry, turns in told.items() for turn in turns]
        return [*(add(new) for new in made), *ops, *changes]

    def read(self, query: Query, store: Store) -> list[Hit]:
        vector = vector_of(query, store)
        if "summary" in query.filter.kinds:
            return hits(store.find_vectors(vector, query.filter, query.k), store, "dense")
        found = store.find_vectors(vector, derived(query.filter, "summary"), self.entries)
        cosine = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
        lifts: dict[int, float] = {}
        for entry, turn, _, _ in store.linked(found.rows, TOLD):
            if cosine[entry] > 0:
                lifts[turn] = max(lifts.get(turn, 0.0), self.entry * cosine[entry])
        return lifted(vector, query, lifts, "entry", self.candidates, store)

    def _leaving(self, store: Store, now: datetime) -> Iterator[list[Record]]:
        """The oldest topics of each session, until what is left may wait; of one that is over, all."""
        for session, over in talks(store, timedelta(seconds=self.idle), now):
            new = [turn for turn in session if not any(link.relation == SUMMED for link in turn.links)]
            left = sum(map(_tokens, new))
            for topic in self._topics(new, store):
                if not over and left < self.buffer:
                    break
                left -= sum(map(_tokens, topic))
                yield topic

    def _topics(self, said: Sequence[Record], store: Store) -> list[list[Record]]:
        """Cut where the likeness of neighbours is low, and lowest for its surroundings."""
        if not said:
            return []
        vectors = store.vectors(store.rows_of([turn.id for turn in said]))
        cosines = [math.inf, *(vectors[:-1] * vectors[1:]).sum(axis=1).tolist(), math.inf]
        cuts = [i for i in range(1, len(said)) if cosines[i] < self.alike and cosines[i] <= min(cosines[i - 1 : i + 2])]
        return [list(said[a:b]) for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]

    def _updates(self, made: Sequence[Record], told: dict[str, list[str]], store: Store) -> list[Op]:
        """What each new entry does to earlier ones like it, and later ones to it, in the order the later ones came.

        `told` gives the turns of what is new; an entry that says the same as another hands its turns over there.
        """
        batch, pairs = Batch(store, "summary"), dict[tuple[str, str], tuple[Record, Record]]()
        vectors = store.embedder.embed([entry.text for entry in made])
        for entry, vector in zip(made, vectors, strict=True):
            batch.add(entry, vector)
        for entry, vector in zip(made, vectors, strict=True):
            for other, cosine in batch.near(vector, entry.scope, self.queue, {entry.id}):
                first, then = sorted((entry, other), key=lambda one: (one.valid_from, one.id))
                if cosine >= self.same and first.valid_from < then.valid_from:
                    pairs[first.id, then.id] = first, then
        ops: list[Op] = []
        gone: set[str] = set()
        for first, then in sorted(pairs.values(), key=lambda pair: (pair[1].valid_from, pair[0].valid_from)):
            verdict = "unrelated" if gone & {first.id, then.id} else self.lm.conflict(first.text, then.text)
            if verdict == "same":
                ops.append(Op("merge", then.id, other=first.id, why="said before"))
                turns = told.get(then.id) or [link.record for link in then.links if link.relation == TOLD]
                told[first.id] = [*told.get(first.id, ()), *turns]
                gone.add(then.id)
            elif verdict == "updates" or (verdict == "extends" and set(terms(first.text)) <= set(terms(then.text))):
                ops.append(Op("supersede", first.id, other=then.id, at=then.valid_from, why=verdict))
                gone.add(first.id)
        return ops


def compressed(text: str, ratio: float) -> str:
    """The words that tell most, in their order: `ratio` of them, at least one; "" when that is the whole text."""
    found = WORD.findall(text)
    seen: set[str] = set()
    worth = []
    for i, word in enumerate(found):
        plain = re.sub(r"\W+$|^\W+", "", word).casefold().replace("’", "'")
        named = any(c.isdigit() for c in word) or (i > 0 and word[0].isupper() and found[i - 1][-1] not in ".!?")
        worth.append((plain not in STOP, plain not in seen, named, len(plain), -i))
        seen.add(plain)
    keep = set(sorted(range(len(found)), key=lambda i: worth[i], reverse=True)[: max(1, math.ceil(ratio * len(found)))])
    return "" if len(keep) >= len(found) else " ".join(found[i] for i in sorted(keep))


def _tokens(turn: Record) -> float:
    return len(turn.key or turn.text) / 4
