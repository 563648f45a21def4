"""The knowledge graph that the reference MCP memory server keeps.

Source:  https://github.com/modelcontextprotocol/servers, src/memory: JSON lines of entities, each with a type and
         observations, and of relations between them.
Idea:    an event for each observation, "Ana (person): lives in Lisbon", and for each relation, "Ana works at Acme";
         meta keeps the structure.
Differs: the file says neither when nor by whom, so every event has the one time `at` says, the channel "import", and
         meta that says undated. That time is fixed, not the file's, so that the same or a grown file adds nothing old.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from remanence.formats.base import Base, Item, Progress, Report
from remanence.formats.parts.json_values import rows, string
from remanence.formats.parts.objects import Wrong, objects
from remanence.formats.parts.opened import head
from remanence.formats.parts.undated import UNDATED, undated
from remanence.records import Event

INSIDE = re.compile(r".*\.(jsonl|json)")


@dataclass
class McpMemory(Base):
    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".json")
    expected: ClassVar[str] = (
        '{"type": "entity", "name": ..., "observations": [...]} or {"type": "relation", ...} a line'
    )

    at: str = UNDATED  # when all of it is said to have happened

    def __post_init__(self) -> None:
        self._at = undated(self.at)

    def recognises(self, path: Path) -> bool:
        return re.search(r'^\{[^\n]*"type"\s*:\s*"(entity|relation)"', head(path, INSIDE)) is not None

    def items(self, path: Path, report: Report, progress: Progress | None) -> Iterator[Item]:
        for _, line, wrong in objects(path, report, progress, INSIDE):
            kind = line.get("type")
            if kind == "entity":
                yield from self._entity(line, wrong)
            elif kind == "relation":
                yield from self._relation(line, wrong)
            else:
                wrong(f"expected type entity or relation, got {kind!r}")

    def _entity(self, line: dict[str, Any], wrong: Wrong) -> Iterator[Event]:
        name, kind = string(line.get("name")).strip(), string(line.get("entityType")).strip()
        if not name:
            return wrong("an entity needs a name")
        title = f"{name} ({kind})" if kind else name
        event = partial(Event, at=self._at, channel="import")
        meta = {"entity": name, "type": kind, "undated": True}
        observations = rows(line.get("observations"))
        if not observations:
            yield event(title, meta=meta)
        for observation in observations:
            if not string(observation).strip():
                wrong(f"an observation of {name} is not text: {observation!r}")
                continue
            yield event(f"{title}: {string(observation)}", meta=meta)

    def _relation(self, line: dict[str, Any], wrong: Wrong) -> Iterator[Event]:
        start, end, relation = (string(line.get(key)).strip() for key in ("from", "to", "relationType"))
        if not (start and end and relation):
            return wrong("a relation needs from, to and relationType")
        meta = {"from": start, "relation": relation, "to": end, "undated": True}
        yield Event(f"{start} {relation.replace('_', ' ')} {end}", self._at, channel="import", meta=meta)
