"""The facts that hold while a write goes on, and what a new one does to them: nothing is destroyed, ends are noted.

Idea:    a fact is compared with those of its slot (see slots.py) and with the nearest by likeness. It ends when the
         next one that contradicts it begins, in whatever order the two are told.
Cost:    a scan of vectors for what holds at the fact's time and one for what begins later, together 1.5 ms where 150k
         records are held, linear in these; one question (`conflict`) for each fact found outside its slot.

    same       nothing new: the one that began first is kept and strengthened
    updates    the earlier one ends when the later one begins; a denial is a fact that replaces too
    extends    the same when the later one holds all that the earlier one says; else both hold
    unrelated  both hold
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from remanence.embed.base import Vectors
from remanence.lm.base import Base as LM
from remanence.lm.base import Verdict
from remanence.records import Filter, Op, Record, Scope, add
from remanence.store.base import Base as Store
from remanence.text.parts.slots import Slot, Slots, by_slot, slots
from remanence.text.parts.terms import terms

LAST = datetime(9900, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@dataclass
class Facts:
    """What one write sees: the store's facts, and those it adds, with the ends it proposes. `ops` is what it did.

    A fact told late is put to those of its slots that ended since; of the others, only to those that still hold.
    """

    store: Store
    lm: LM
    slots: Slots
    near: int  # facts compared with a new one, of those that hold then and of those that begin later each
    ops: list[Op] = field(default_factory=list)
    added: dict[str, Record] = field(default_factory=dict)
    vectors: dict[Scope, list[tuple[Record, Vectors]]] = field(default_factory=dict)  # of those added
    added_to: dict[Slot, list[Record]] = field(default_factory=dict)
    strengths: dict[str, float] = field(default_factory=dict)
    ends: dict[str, datetime] = field(default_factory=dict)  # of those that this write ended
    merged: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.slots.catch_up(self.store)

    def take(self, fact: Record, vector: Vectors | None = None) -> tuple[list[tuple[Record, Record]], list[Record]]:
        """Take in one fact: the pairs (ended, by what), and those it says again.

        Without a vector it is compared with those of its slots alone.
        """
        if fact.id in self.added:
            return [], []
        verdicts = [(old, self._verdict(old, fact)) for old in self._compared(fact, vector)]
        known = [old for old, verdict in verdicts if verdict == "same" and old.valid_from <= fact.valid_from]
        if known:
            self._strengthen(known[0])
            return [], known[:1]
        self._add(fact, vector)
        ended, over = [], False  # over: something else began after it, so that a later one like it is a return to it
        for old, verdict in verdicts:
            first, then = _ordered(old, fact)
            over |= verdict == "updates" and first is fact
            if verdict == "same" and over:
                continue
            if verdict == "same":
                self.merged.add(old.id)
                self.ops.append(Op("merge", old.id, other=fact.id, why="said before"))
            elif verdict == "updates" or (verdict == "extends" and _holds_all(then, first)):
                ended += [(first, then)] * self.end(first, then, verdict)
        return ended, []

    def end(self, first: Record, then: Record, why: str) -> bool:
        """Let one end when the other begins, unless it ended before that."""
        end = self.ends.get(first.id, first.valid_to)
        if end is not None and end <= then.valid_from:
            return False
        self.ends[first.id] = then.valid_from
        self.ops.append(Op("supersede", first.id, other=then.id, at=then.valid_from, why=why))
        return True

    def holding(self, found: Iterable[Record], at: datetime) -> list[Record]:
        """Those that have not ended by then, nor been merged, each once."""
        each = {record.id: record for record in found if record.id not in self.merged}
        ends = {id: self.ends.get(id, record.valid_to) for id, record in each.items()}
        return [record for id, record in each.items() if (end := ends[id]) is None or end > at]

    def beside(self, fact: Record) -> list[Record]:
        """Those of its slots that hold when it begins or begin later."""
        mine = list(slots(fact))
        found = [
            *self.slots.find(mine, fact.valid_from, self.store),
            *(old for slot in mine for old in self.added_to.get(slot, ())),
        ]
        return [old for old in self.holding(found, fact.valid_from) if old.id != fact.id]

    def _compared(self, fact: Record, vector: Vectors | None) -> list[Record]:
        """Those of its slots, and the nearest that hold when it begins or begin later; oldest first."""
        found, alike = self.beside(fact), Filter(kinds=("fact",), scope=fact.scope)
        if vector is not None:
            found += self._nearest(fact, vector, replace(alike, as_of=fact.valid_from))
            found += self._nearest(fact, vector, replace(alike, between=(fact.valid_from + MOMENT, LAST)))
        return sorted(self.holding(found, fact.valid_from), key=lambda record: record.valid_from)

    def _nearest(self, fact: Record, vector: Vectors, allowed: Filter) -> list[Record]:
        found = self.store.find_vectors(vector, allowed, self.near)
        scored = list(zip(found.scores.tolist(), self.store.read(found.rows.tolist()).values(), strict=True))
        beside = self.vectors.get(fact.scope, ())
        own = [(float(other @ vector), record) for record, other in beside if _in(record, allowed)]
        return [record for _, record in sorted([*scored, *own], key=lambda pair: -pair[0])[: self.near]]

    def _verdict(self, old: Record, fact: Record) -> Verdict:
        first, then = _ordered(old, fact)
        return by_slot(first, then) or self.lm.conflict(first.text, then.text)

    def _add(self, fact: Record, vector: Vectors | None) -> None:
        self.ops.append(add(fact))
        self.added[fact.id] = fact
        if vector is not None:
            self.vectors.setdefault(fact.scope, []).append((fact, vector))
        for slot in slots(fact):
            self.added_to.setdefault(slot, []).append(fact)

    def _strengthen(self, old: Record) -> None:
        self.strengths[old.id] = self.strengths.get(old.id, old.strength) + 1
        self.ops.append(Op("strengthen", old.id, value=self.strengths[old.id], why="said again"))


def _ordered(old: Record, new: Record) -> tuple[Record, Record]:
    return (old, new) if old.valid_from <= new.valid_from else (new, old)


def _in(record: Record, allowed: Filter) -> bool:
    """Whether a look-up's times let a record through that is not in the store yet."""
    begun = allowed.as_of is None or record.valid_from <= allowed.as_of
    inside = allowed.between is None or allowed.between[0] <= record.valid_from < allowed.between[1]
    return begun and inside


def _holds_all(new: Record, old: Record) -> bool:
    """Whether the new one says all of the old, and stands where it stood, so that what ends the old ends it too."""
    return set(terms(old.text)) <= set(terms(new.text)) and set(slots(old)) <= set(slots(new))


def embedded(store: Store, facts: Sequence[Record]) -> Iterable[tuple[Record, Vectors]]:
    """Each fact with its vector."""
    return zip(facts, store.embedder.embed([fact.text for fact in facts]), strict=True)
