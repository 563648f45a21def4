"""Facts by what they give a value to: (subject, relation), where a relation holds one object at a time.

Idea:    "Ana lives in Porto" and "Ana no longer lives in Porto" stand in one slot, (ana, lives_in); what the later of
         two facts of a slot does to the earlier can be told from their objects, in whatever words they are said.
Cost:    the first look-up of a process reads what every fact is about (5 us each); then a dictionary, and the two or
         three facts of a slot that hold.
Differs: "left" stands in the slots of all that one can leave.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import numpy as np

from remanence.lm.base import Verdict
from remanence.lm.rule.relations import core, single
from remanence.records import Filter, Record, Scope
from remanence.store.base import Base as Store
from remanence.store.times import micros
from remanence.text.parts.terms import terms

LEAVES = ("works_at", "lives_in", "studies_at")
ARTICLE = re.compile(r"^(?:an?|the|my|his|her|their)\s+")
Slot = tuple[Scope, str, str]


def said(fact: Record) -> tuple[str, str, str]:
    """Subject, relation and object, "" where the model gave none."""
    meta = fact.meta
    return str(meta.get("subject", "")), str(meta.get("relation", "")), str(meta.get("object", ""))


def slots(fact: Record) -> Iterator[Slot]:
    """Where a fact stands; nowhere when its relation holds many objects."""
    return _slots(fact.scope, fact.meta)


def by_slot(first: Record, then: Record) -> Verdict | None:
    """What the later does to the earlier; None when they share no slot, and only a model can tell."""
    if not set(slots(first)) & set(slots(then)):
        return None
    (_, one, old), (_, two, new) = said(first), said(then)
    before, after = core(one)[0] or _mark(one), core(two)[0] or _mark(two)
    a, b = set(terms(old)), set(terms(new))
    equal = _plain(old) == _plain(new) or bool(a and b and (a <= b or b <= a))
    if before and after:
        return "same" if equal and one == two else "unrelated"
    if before or after:
        return "updates" if equal or not (new if after else old) else "unrelated"
    if _plain(old) == _plain(new) or (b and b < a):
        return "same"
    return "extends" if a and a < b and not any(word.isdigit() for word in b - a) else "updates"


class Slots:
    """The rows of the facts of each slot, those that ended too: a fact told late may belong between two of them."""

    def __init__(self) -> None:
        self.last, self.epoch = 0, ""  # the last row taken in
        self.rows: dict[Slot, list[int]] = defaultdict(list)

    def catch_up(self, store: Store) -> None:
        """Take in the facts that came since the last call; start over when the store did."""
        epoch = store.epoch
        if epoch != self.epoch:
            self.last, self.epoch = 0, epoch
            self.rows.clear()
        for row, scope, meta in store.metas("fact", made_since=self.last):
            self.last = row
            for slot in _slots(scope, meta):
                self.rows[slot].append(row)

    def find(self, wanted: Iterable[Slot], moment: datetime, store: Store) -> list[Record]:
        """The facts of these slots that hold then or begin later; none that was forgotten, or merged into another."""
        rows = np.array(list(dict.fromkeys(row for slot in wanted for row in self.rows.get(slot, ()))), dtype=np.int64)
        if not len(rows):
            return []
        hold = store.allowed(rows, Filter(as_of=moment))
        later = store.columns(rows).at > micros(moment)
        found = store.read(rows[hold | later].tolist())
        late = set(rows[later].tolist())
        return [
            record
            for row, record in found.items()
            if row not in late or store.allowed(np.array([row]), Filter(as_of=record.valid_from))[0]
        ]


def _slots(scope: Scope, meta: Mapping[str, object]) -> Iterator[Slot]:
    relation = core(str(meta.get("relation", "")))[1]
    for name in LEAVES if relation == "left" else (relation,) if single(relation) else ():
        yield scope, _plain(str(meta.get("subject", ""))), name


def _mark(relation: str) -> str:
    return "not_" if relation == "left" else ""


def _plain(text: str) -> str:
    return ARTICLE.sub("", " ".join(text.casefold().split()).strip(" .,;:!?"))
