"""What a memory said before and says since, and how one version differs from the next."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from remanence.errors import NotFound
from remanence.records import Record
from remanence.serve.access import Access
from remanence.serve.page.standing import holding

PIECE = re.compile(r"\s+|\w+|[^\w\s]")
MOST = 50  # versions of one memory
LONGEST = 4000  # pieces of two texts that are compared word by word


@dataclass(frozen=True, slots=True)
class Version:
    """`change` are pieces of text, each "same", "gone" or "new"."""

    record: Record
    change: list[tuple[str, str]]


def versions(record: Record, access: Access) -> list[Version]:
    """All that this one replaced and was replaced by, oldest first; one alone when it never changed."""
    found, waiting = {record.id: record}, [record.id]
    replaced: dict[str, str] = {}
    while waiting and len(found) < MOST:
        id = waiting.pop()
        for op in holding(access.memory.history(id)):
            if op.kind == "supersede" and op.other:
                replaced[op.other] = op.record
                for next in (op.record, op.other):
                    if next not in found and (other := _seen(next, access)):
                        found[next] = other
                        waiting.append(next)
    ordered = sorted(found.values(), key=lambda record: (record.valid_from, record.valid_to is None))
    made = []
    for one in ordered:
        before = found.get(replaced.get(one.id, ""))
        made.append(Version(one, difference(before.text, one.text) if before else [("same", one.text)]))
    return made


def difference(old: str, new: str) -> list[tuple[str, str]]:
    """What a text became, word by word."""
    before, after = PIECE.findall(old), PIECE.findall(new)
    if len(before) + len(after) > LONGEST:
        return [("gone", old), ("new", new)]
    pieces: list[tuple[str, str]] = []
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(("same", "".join(before[i:j])))
            continue
        pieces += [("gone", "".join(before[i:j])), ("new", "".join(after[k:m]))]
    return [(tag, text) for tag, text in pieces if text]


def _seen(id: str, access: Access) -> Record | None:
    try:
        return access.record(id)
    except NotFound:  # erased since, or another user's
        return None
