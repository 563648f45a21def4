"""How a record stands, read from its log: when it was learned, whether it was forgotten or pinned, what ended it."""

from collections.abc import Sequence
from dataclasses import dataclass

from remanence.local import PINNED
from remanence.records import Op, taken_back


@dataclass(frozen=True, slots=True)
class Standing:
    """`gone` is the operation that hides it, `pinned` the one that holds it: undoing them brings back what was."""

    learned: Op | None = None
    gone: Op | None = None
    pinned: Op | None = None


def standing(record: str, ops: Sequence[Op]) -> Standing:
    learned = gone = pinned = None
    adds = {op.id for op in ops if op.kind == "add"}
    for op in holding(ops):
        if op.record != record:
            continue
        if op.kind == "add":
            learned, gone = learned or op, None
        elif op.kind in ("expire", "merge") or (op.kind == "undo" and op.undoes in adds):
            gone = op
        elif op.kind == "strengthen" and op.value is not None:
            pinned = op if op.value >= PINNED else None
    return Standing(learned, gone, pinned)


def holding(ops: Sequence[Op]) -> list[Op]:
    """The operations that were not taken back, oldest first."""
    undone = taken_back(ops)
    return [op for op in ops if op.id not in undone]
