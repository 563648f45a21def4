"""The memories of a mem0 store.

Source:  https://docs.mem0.ai, what `Memory.get_all` returns: {"results": [{"id", "memory", "created_at", ...}]};
         a bare list of the same and one object a line are read too.
Differs: a memory is what a model extracted, so its channel is "import"; only its latest text is there, dated
         updated_at, else created_at. `hash`, `score` and the graph's relations are left out. A memory without a time
         is dated 1970 and its meta says undated.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from remanence.errors import BadInput
from remanence.formats.base import Base, Item, Progress, Report
from remanence.formats.parts.json_values import moment, shallow, string, table
from remanence.formats.parts.objects import objects
from remanence.formats.parts.opened import head
from remanence.formats.parts.undated import UNDATED, undated
from remanence.records import Event, Scope

INSIDE = re.compile(r".*\.(json|jsonl|ndjson)")


@dataclass
class Mem0(Base):
    suffixes: ClassVar[tuple[str, ...]] = (".json", ".jsonl")
    expected: ClassVar[str] = '{"results": [{"id": ..., "memory": ...}]}, a list of such objects, or one a line'

    def recognises(self, path: Path) -> bool:
        start = head(path, INSIDE)
        return start.startswith(("{", "[")) and re.search(r'"memory"\s*:\s*"', start) is not None

    def items(self, path: Path, report: Report, progress: Progress | None) -> Iterator[Item]:
        for _, memory, wrong in objects(path, report, progress, INSIDE, key="results"):
            try:
                yield _event(memory)
            except BadInput as error:
                wrong(str(error))


def _event(memory: dict[str, Any]) -> Event:
    at = moment(memory.get("updated_at")) or moment(memory.get("created_at"))
    kept = {key: memory[key] for key in ("id", "categories") if memory.get(key)}
    meta = {**table(memory.get("metadata")), **kept} | ({} if at else {"undated": True})
    user, agent, run, app = (string(memory.get(key)) for key in ("user_id", "agent_id", "run_id", "app_id"))
    return Event(
        text=string(memory.get("memory")),
        at=at or undated(UNDATED),
        speaker=string(memory.get("actor_id")),
        role=string(memory.get("role")),
        session=run,
        scope=Scope(user, agent, run, app),
        channel="import",
        meta=shallow(meta),
    )
