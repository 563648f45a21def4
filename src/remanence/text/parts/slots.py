"""Facts by what they give a value to: (subject, relation), where a relation holds one object at a time.

Idea:    "Ana lives in Porto" and "Ana no longer lives in Porto" stand in one slot, (ana, lives_in); what the later of
         two facts of a slot does to the earlier can be told from their objects, in whatever words they are said.
Cost:    the first look-up of a process reads every fact; then a dictionary.
Differs: "left" stands in the slots of all that one can leave.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from remanence.lm.base import Verdict
from remanence.lm.rule.relations import core, single
from remanence.records import Filter, Record, Scope
from remanence.store.base import Base as Store
from remanence.text.parts.terms import terms

LEAVES = ("works_at", "lives_in", "studies_at")
ARTICLE = re.compile(r"^(?:an?|the|my|his|her|their)\s+")
Slot = tuple[Scope, str, str]


def said(fact: Record) -> tuple[str, str, str]:
    """Subject, relation and object, "" where the model gave none."""
    subject, relation, thing = (str(fact.meta.get(name, "")) for name in ("subject", "relation", "object"))
    return subject, relation, thing


def slots(fact: Record) -> Iterator[Slot]:
    """Where a fact stands; nowhere when its relation holds many objects."""
    subject, relation, _ = said(fact)
    relation = core(relation)[1]
    for name in LEAVES if relation == "left" else (relation,) if single(relation) else ():
        yield fact.scope, _plain(subject), name


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
        self.last, self.epoch = 0, ""  # the last operation taken in
        self.rows: dict[Slot, list[int]] = defaultdict(list)

    def catch_up(self, store: Store) -> None:
        """Take in the facts that came since the last call; start over when the store did."""
        epoch = store.epoch
        if epoch != self.epoch:
            self.last, self.epoch = 0, epoch
            self.rows.clear()
        ops = store.ops(since=self.last)
        self.last = ops[-1].id if ops else self.last
        rows = np.unique(store.rows_of([op.record for op in ops if op.kind == "add"]))
        facts = rows[store.columns(rows).kind == store.number("kind", "fact")]
        for row, record in store.read(facts.tolist()).items():
            for slot in slots(record):
                self.rows[slot].append(row)

    def find(self, wanted: Iterable[Slot], store: Store) -> list[Record]:
        """The facts of these slots; none that was forgotten, or merged into another."""
        rows = list(dict.fromkeys(row for slot in wanted for row in self.rows.get(slot, ())))
        records = store.read(rows)
        return [
            record
            for row, record in records.items()
            if store.allowed(np.array([row]), Filter(as_of=record.valid_from))[0]
        ]


def _mark(relation: str) -> str:
    return "not_" if relation == "left" else ""


def _plain(text: str) -> str:
    return ARTICLE.sub("", " ".join(text.casefold().split()).strip(" .,;:!?"))
