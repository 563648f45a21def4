"""What holds at a moment in place of what turns say, read from the facts beside them (see statements.py).

Idea:    a turn whose fact has ended leads to the fact that holds instead, and that to the turn that told it. Nothing is
         hidden: the newer word is put just before the older.
Cost:    one look-up of links; two more for each change between what the turn says and what holds.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from remanence.records import Filter, Record
from remanence.store.base import Base as Store
from remanence.store.base import Ranked, Rows
from remanence.text.parts.revision.statements import RESTS_ON, TOLD_IN

ABOVE = 1e-3  # so much more than what it replaces
Why = dict[str, float]


def told(facts: Ranked, store: Store) -> dict[int, float]:
    """The turns that told these facts, each with the score of its best."""
    scores = dict(zip(facts.rows.tolist(), facts.scores.tolist(), strict=True))
    found: dict[int, float] = {}
    for fact, turn, _, _ in store.linked(facts.rows, TOLD_IN):
        found[turn] = max(scores[fact], found.get(turn, 0.0))
    return found


def replaced(turns: Rows, moment: datetime, allowed: Filter, store: Store) -> list[tuple[int, int]]:
    """(turn, the allowed one to believe instead) for those of these turns that no longer held at that moment."""
    rests = [(turn, fact) for turn, fact, _, _ in store.linked(turns, RESTS_ON)]
    if not rests:
        return []
    instead = _successors({fact for _, fact in rests}, moment, store)
    where = {fact: turn for fact, turn, _, _ in store.linked(_rows(set(instead.values())), TOLD_IN)}
    newer = _rows(set(where.values()))
    kept = set(newer[store.allowed(newer, allowed)].tolist())
    found = [(turn, where.get(instead[fact], 0)) for turn, fact in rests if fact in instead]
    return [(old, new) for old, new in found if new in kept]


def put_before(whys: dict[int, Why], pairs: Iterable[tuple[int, int]]) -> None:
    """Raise each new row just above the old ones it replaces, the best of them first."""
    for old, new in sorted(pairs, key=lambda pair: -sum(whys[pair[0]].values())):
        lacks = sum(whys[old].values()) + ABOVE - sum(whys[new].values())
        if lacks > 0:
            whys[new]["replaces"] = whys[new].get("replaces", 0.0) + lacks


def _successors(facts: Collection[int], moment: datetime, store: Store) -> dict[int, int]:
    """The fact that held instead of each of these that had ended by then, if there was one."""
    known, then = dict[int, Record](), dict[int, int]()
    going = _rows(facts)[~store.allowed(_rows(facts), Filter(as_of=moment))]
    while len(going):
        known |= store.read(going.tolist())
        over = {row: known[row].superseded_by for row in going.tolist() if row in known and _over(known[row], moment)}
        then |= zip(over, store.rows_of([*over.values()]).tolist(), strict=True)
        going = _rows({then[row] for row in over} - known.keys())
    last = {fact: path[-1] for fact in facts if _ended(path := _path(fact, then), known)}
    holds = store.allowed(_rows(last.values()), Filter(as_of=moment)).tolist()
    return {fact: row for (fact, row), good in zip(last.items(), holds, strict=True) if good}


def _path(fact: int, then: Mapping[int, int]) -> list[int]:
    path = [fact]
    while path[-1] in then and then[path[-1]] not in path:
        path.append(then[path[-1]])
    return path


def _ended(path: Sequence[int], known: Mapping[int, Record]) -> bool:
    """Whether one of the steps was an end, and not only the merging of two that say the same."""
    return any(known[row].valid_to for row in path[:-1])


def _over(record: Record, moment: datetime) -> bool:
    return bool(record.superseded_by) and (record.valid_to is None or record.valid_to <= moment)


def _rows(rows: Iterable[int]) -> NDArray[np.int64]:
    return np.array([*rows], dtype=np.int64)
