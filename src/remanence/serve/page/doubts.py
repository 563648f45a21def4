"""What a person should look at: memories that contradict each other, that say the same twice, that no person said.

Idea:    a pair that was looked at is linked, `reviewed`, from one to the other: an operation like any other, which is
         exported, can be undone, and means nothing to any method.
Cost:    of the newest memories only: their vectors against each other, their facts by slot; 30 ms for 1000.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from remanence.errors import NotFound
from remanence.plain import filter_of
from remanence.quarantine import WHY
from remanence.records import Op, Record
from remanence.serve.access import Access
from remanence.serve.page.log import recent
from remanence.serve.page.standing import holding
from remanence.text.parts.slots import said, slots

REVIEWED = "reviewed"
LOOKED_AT = 1000  # newest memories compared with each other
ALIKE = 0.95  # cosine from which on two of one kind say the same
SHOWN = 30  # of each sort
OPERATIONS = 5000  # of the log, looked at for what was replaced


@dataclass(frozen=True, slots=True)
class Pair:
    """`old` and `new` by when they began to hold; `closeness` where it was measured."""

    old: Record
    new: Record
    why: str
    closeness: float = 0.0
    operation: int = 0  # that replaced one by the other


def replaced(access: Access) -> list[Pair]:
    """What was replaced lately, and not by a person: newest first."""
    pairs = []
    for op in reversed(holding(recent(access, 0, OPERATIONS))):
        if op.kind == "supersede" and op.made_by != "user":
            pair = _pair(access, op)
            if pair is not None and not _reviewed(pair):
                pairs.append(pair)
                if len(pairs) == SHOWN:
                    break
    return pairs


def quarantined(access: Access) -> list[tuple[Record, Op]]:
    """What was put aside as it came in, and the operation to undo to let it in: newest first."""
    found = []
    for op in reversed(holding(recent(access, 0, OPERATIONS))):
        if op.kind == "expire" and op.why.startswith(WHY):
            record = access.record(op.record)
            if not _linked(record, record):
                found.append((record, op))
    return found[:SHOWN]


def disagreeing(access: Access) -> list[Pair]:
    """Facts that hold now, of one subject and a relation that has one object at a time, with different objects."""
    rows = access.memory.store.newest(filter_of(**access.which(kinds=("fact", "triple"))), LOOKED_AT).rows.tolist()
    held: dict[object, list[Record]] = defaultdict(list)
    for record in access.memory.store.read(rows).values():
        for slot in slots(record):
            held[slot].append(record)
    pairs = [pair for records in held.values() for pair in _differing(records)]
    return [pair for pair in pairs if not _reviewed(pair)][:SHOWN]


def alike(access: Access) -> list[Pair]:
    """Two of one kind whose vectors are nearly the same, most alike first."""
    store = access.memory.store
    rows = store.newest(filter_of(**access.which()), LOOKED_AT).rows
    if len(rows) < 2:
        return []
    vectors, kinds = store.vectors(rows), store.columns(rows).kind
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    close = np.triu(vectors @ vectors.T, 1) * (kinds[:, None] == kinds[None])
    near = np.argwhere(close >= ALIKE)
    best = near[np.argsort(-close[tuple(near.T)], kind="stable")][: 3 * SHOWN]
    records = store.read(rows[best.ravel()].tolist())
    pairs = []
    for i, j in best.tolist():
        one, other = records.get(int(rows[i])), records.get(int(rows[j]))
        if one and other and not _same_event(one, other) and not _reviewed(pair := _ordered(one, other, close[i, j])):
            pairs.append(pair)
    return pairs[:SHOWN]


def unsaid(access: Access) -> list[Record]:
    """What came in from tools, and nobody looked at yet: newest first."""
    rows = access.memory.store.newest(filter_of(**access.which(channels=("tool",))), 5 * SHOWN).rows.tolist()
    records = access.memory.store.read(rows).values()
    return [record for record in records if not _linked(record, record)][:SHOWN]


def accept(access: Access, record: str, other: str) -> None:
    """Note that a person looked at these two (or at this one), and leaves them as they are."""
    one, two = access.record(record), access.record(other or record)
    op = Op("link", one.id, other=two.id, relation=REVIEWED, value=1.0, why="looked at")
    access.memory.store.apply([op], by="user")


def _differing(records: list[Record]) -> Iterable[Pair]:
    records = sorted(records, key=lambda record: record.valid_from)
    for i, old in enumerate(records):
        for new in records[i + 1 :]:
            if said(old)[2].casefold() != said(new)[2].casefold():
                yield Pair(old, new, "both hold now")


def _pair(access: Access, op: Op) -> Pair | None:
    try:
        return Pair(access.record(op.record), access.record(op.other), op.why, operation=op.id)
    except NotFound:  # erased since, or another user's
        return None


def _ordered(one: Record, other: Record, closeness: float) -> Pair:
    old, new = sorted((one, other), key=lambda record: record.valid_from)
    return Pair(old, new, "", round(float(closeness), 3))


def _same_event(one: Record, other: Record) -> bool:
    return {source.event for source in one.sources} == {source.event for source in other.sources}


def _reviewed(pair: Pair) -> bool:
    return _linked(pair.old, pair.new) or _linked(pair.new, pair.old)


def _linked(one: Record, other: Record) -> bool:
    return any(link.relation == REVIEWED and link.record == other.id for link in one.links)
