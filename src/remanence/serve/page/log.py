"""Every change, newest first, and taking it back."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Literal

from fastapi import Query
from starlette.responses import Response

from remanence.records import Op, Record, taken_back
from remanence.serve.access import Access
from remanence.serve.page.route import views
from remanence.serve.page.visitor import Looks

SIZE = 50
WINDOW = 5000  # operations looked at for one page
ROUTINE = ("add", "link")  # what writing does at every turn
router = views()


@router.get("/log")
def log(
    who: Looks,
    what: Literal["changes", "all"] = "changes",
    before: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    ops = recent(who.access, before, WINDOW)
    undone = taken_back(ops)
    reached = max(0, (before or _last(ops) + 1) - WINDOW)
    window = [op for op in reversed(ops) if (not before or op.id < before) and op.id >= reached]
    shown = list(islice(seen(who.access, [op for op in window if what == "all" or _telling(op)]), SIZE))
    if len(shown) == SIZE:
        reached = shown[-1][0].id
    return who.draw("log.html", what=what, shown=shown, undone=undone, reached=reached if reached > 1 else 0)


def recent(access: Access, before: int, n: int) -> list[Op]:
    """At least the n operations before this one and all that came later, oldest first."""
    last = before or int(access.memory.status()["operations"])  # erasing drops some: numbers run ahead of the count
    return access.memory.store.ops(since=max(0, last - n - 1))


def seen(access: Access, ops: list[Op]) -> Iterator[tuple[Op, Record | None]]:
    """Operations with what they are about, those that this visitor may see."""
    for start in range(0, len(ops), SIZE):
        some = ops[start : start + SIZE]
        rows = access.memory.store.rows_of([op.record for op in some if op.record]).tolist()
        records = {record.id: record for record in access.memory.store.read(rows).values()}
        for op in some:
            record = records.get(op.record)
            if (record is not None and access.sees(record)) or (record is None and not access.user):
                yield op, record


def _telling(op: Op) -> bool:
    """What is worth a look: not what every turn and every reading does."""
    return (op.kind not in ROUTINE and not op.read) or op.why == "edited"


def _last(ops: list[Op]) -> int:
    return ops[-1].id if ops else 0
