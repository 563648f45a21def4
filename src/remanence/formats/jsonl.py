"""Our own export, and plain JSON lines of messages.

Source:  https://jsonlines.org; one JSON object a line. One JSON array of the same objects is read too.
Idea:    an export begins with {"remanence": 1}, then one line an event, a record or an operation, each with its
         `type`; nothing is lost either way. Any other object is a message: its text under text, content or message,
         its time under at, timestamp, created_at, date or time, and so on (ALIASES); other plain fields go to meta.
Differs: of messages in other makes, nested fields besides meta are left out. A message without a time takes that of
         the one before it in its session; where there is none it is dated `at` plus its line in microseconds, so
         that order is kept, and its meta says undated.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

from remanence.errors import BadInput, NewerVersion
from remanence.formats.base import Base, Item, Progress, Report
from remanence.formats.parts.as_json import from_json, to_json
from remanence.formats.parts.json_values import moment, rows, shallow, string, table
from remanence.formats.parts.objects import objects
from remanence.formats.parts.opened import head
from remanence.formats.parts.undated import UNDATED, undated
from remanence.records import Channel, Event, Scope

VERSION = 1
INSIDE = re.compile(r".*\.(jsonl|ndjson|json)")
ALIASES = {
    "text": ("text", "content", "message"),
    "at": ("at", "timestamp", "created_at", "date", "time"),
    "speaker": ("speaker", "name", "author", "from"),
    "role": ("role",),
    "session": ("session", "session_id", "conversation_id"),
    "user": ("user", "user_id"),
    "agent": ("agent", "agent_id"),
    "run": ("run", "run_id"),
    "app": ("app", "app_id"),
    "channel": ("channel",),
    "meta": ("meta", "metadata"),
}
KNOWN = {alias for names in ALIASES.values() for alias in names} | {"type", "recorded_at"}
ROLES: dict[str, Channel] = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "ai", "model", "bot"), "assistant"),
    **dict.fromkeys(("tool", "function"), "tool"),
    **dict.fromkeys(("system", "developer"), "import"),
}


@dataclass
class Jsonl(Base):
    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".json")
    expected: ClassVar[str] = 'a JSON object a line with its words under "text", "content" or "message"'
    general: ClassVar[bool] = True
    writes: ClassVar[bool] = True

    at: str = UNDATED  # the time of messages before any that says one

    def __post_init__(self) -> None:
        self._undated = undated(self.at)

    def recognises(self, path: Path) -> bool:
        start = head(path, INSIDE, ours=True)
        said = "|".join(("remanence", *ALIASES["text"]))
        return start.startswith(("{", "[")) and re.search(rf'"({said})"\s*:', start) is not None

    def complete(self, path: Path) -> bool:
        return re.search(r'"remanence"\s*:', head(path, INSIDE, ours=True)) is not None

    def items(self, path: Path, report: Report, progress: Progress | None) -> Iterator[Item]:
        before: tuple[str, datetime] | None = None  # session and time of the message before
        for number, data, wrong in objects(path, report, progress, INSIDE):
            try:
                if "remanence" in data:
                    _check_version(data["remanence"], path)
                elif _ours(data):
                    item = from_json(data)
                    if item.id != data["id"]:
                        wrong(f"was changed since it was written: its id is now {item.id}")
                    yield item
                else:
                    event = self._message(data, number, before)
                    before = None if "undated" in event.meta else (event.session, event.at)
                    yield event
            except BadInput as error:
                wrong(str(error))

    def _message(self, data: dict[str, Any], number: int, before: tuple[str, datetime] | None) -> Event:
        if isinstance(data.get("message"), dict):  # {"message": {"role": ..., "content": ...}, "timestamp": ...}
            data = {**data["message"], **data}
        said = {
            name: next((data[a] for a in names if data.get(a) is not None), None) for name, names in ALIASES.items()
        }
        session, role, speaker = (_name(said[key]) for key in ("session", "role", "speaker"))
        meta = {key: value for key, value in data.items() if key not in KNOWN and not isinstance(value, dict | list)}
        meta = {key: value for key, value in meta.items() if value is not None} | table(said["meta"])
        at = moment(said["at"])
        if at is None and before and before[0] == session:
            at = before[1]
        if at is None:
            at, meta = self._undated + timedelta(microseconds=number), {**meta, "undated": True}
        channel = _name(said["channel"]) or ROLES.get(role.lower(), "user" if speaker else "import")
        return Event(
            text=_words(said["text"]),
            at=at,
            speaker=speaker or role,
            role=role,
            session=session,
            scope=Scope(*(_name(said[key]) for key in ("user", "agent", "run", "app"))),
            channel=cast("Channel", channel),
            meta=shallow(meta),
        )

    def write(self, path: Path, items: Iterable[Item]) -> int:
        """Everything given; the file is there whole or not at all."""
        count, new = 0, path.with_name(path.name + ".new")
        try:
            with new.open("wb") as file:
                file.write(_line({"remanence": VERSION}))
                for item in items:
                    file.write(_line(to_json(item)))
                    count += 1
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        return count


def _line(data: dict[str, Any]) -> bytes:
    try:
        return (json.dumps(data, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # half a character inside meta
        return (json.dumps(data) + "\n").encode()


def _check_version(found: object, path: Path) -> None:
    if not isinstance(found, int):
        raise BadInput(f'"remanence" should be the number of a version, got {found!r:.40}')
    if found > VERSION:
        raise NewerVersion(
            f"{path} is version {found} of the export and this Remanence reads up to {VERSION}; upgrade it"
        )


def _ours(data: dict[str, Any]) -> bool:
    """Also in a part of an export that has lost its first line."""
    kind, name = data.get("type"), data.get("id")
    return kind == "op" if isinstance(name, int) else kind in ("event", "record") and len(string(name)) == 32


def _name(value: object) -> str:
    """Names are text, but ids of people and sessions may be numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else string(value)


def _words(value: object) -> str:
    """Text, or the text parts of a list as chat programs write it."""
    parts = [part if isinstance(part, str) else table(part).get("text") for part in rows(value)]
    return "\n".join(string(part) for part in parts if part) if parts else string(value)
