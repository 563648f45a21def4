"""The version of a memory, as an ETag: another one when its text, validity, strength or place in history changes.

Being read changes `reads` and `last_read`, and those alone make no new version: a search would stop every edit.
"""

import json
from collections.abc import Sequence

from starlette.datastructures import Headers

from remanence.formats.parts.as_json import to_json
from remanence.local import PINNED
from remanence.memory import Memory
from remanence.records import Event, Op, Record, digest, taken_back
from remanence.serve.problem import Problem

PASSING = ("reads", "last_read")


def etag(item: Record | Event, forgotten: Op | None) -> str:
    said = {name: value for name, value in to_json(item).items() if name not in PASSING}
    return f'"{digest(json.dumps(said, sort_keys=True), str(forgotten.id if forgotten else 0))}"'


def check(headers: Headers, tag: str) -> None:
    """Refuse a change by somebody who has not seen this version."""
    said = headers.get("if-match", "")
    if said and not _matches(said, tag):
        raise Problem(412, "changed meanwhile", "this is another version by now; get it and look again", {"ETag": tag})


def unchanged(headers: Headers, tag: str) -> bool:
    """Whether who asks has this version already."""
    return _matches(headers.get("if-none-match", ""), tag, weakly=True)


def forgotten_by(memory: Memory, record: str) -> Op | None:
    """The operation that made it forgotten, if it is."""
    return _standing(memory.history(record), record, "expire")


def pinned_by(memory: Memory, record: str) -> Op | None:
    """The operation that pinned it, if it is pinned."""
    found = _standing(memory.history(record), record, "strengthen")
    return found if found is not None and (found.value or 0) >= PINNED else None


def _standing(ops: Sequence[Op], record: str, kind: str) -> Op | None:
    """The last operation of a kind on a record that was not taken back."""
    undone = taken_back(ops)
    mine = [op for op in ops if op.kind == kind and op.record == record and op.id not in undone]
    return mine[-1] if mine else None


def _matches(said: str, tag: str, *, weakly: bool = False) -> bool:
    tags = [one.strip() for one in said.split(",")]
    return "*" in tags or tag in ([one.removeprefix("W/") for one in tags] if weakly else tags)
