"""What the exports of chat services share: conversations.json, an array with a conversation an item."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from remanence.errors import BadInput
from remanence.formats.base import Progress, Report
from remanence.formats.parts.json_values import moment, string
from remanence.formats.parts.objects import Wrong, objects
from remanence.formats.parts.opened import head
from remanence.records import Channel, Event

INSIDE = re.compile(r"conversations([-_]?\d+)?\.json")  # large accounts get several


@dataclass
class Conversation:
    """One conversation on its way to events. `at` is the time so far; `title` goes with its first event only."""

    said: dict[str, Any]
    wrong: Wrong
    session: str
    title: str
    at: datetime | None = None

    def pass_time(self, value: object, what: str) -> None:
        """Go on to the time that is said, if one is."""
        try:
            self.at = moment(value) or self.at
        except BadInput as error:
            self.wrong(f"{what}: {error}")

    def event(self, name: str, text: str, channel: Channel, speaker: str = "", **meta: Any) -> Iterator[Event]:
        """What message `name` says, now; nothing where it says nothing."""
        if not text.strip():
            return
        if self.at is None:
            self.wrong(f"message {name} has no time, nor has any before it or its conversation; skipped")
            return
        meta = {"id": name} | ({"title": self.title} if self.title else {}) | meta
        self.title = ""
        role = speaker if channel == "import" else channel
        yield Event(text, self.at, speaker or channel, role, self.session, channel=channel, meta=meta)


def conversations(
    path: Path, report: Report, progress: Progress | None, messages: str, fields: tuple[str, str, str]
) -> Iterator[Conversation]:
    """Each conversation: an object with the field `messages`. `fields` hold its id, its title and when it began."""
    key, title, began = fields
    for _, said, wrong in objects(path, report, progress, INSIDE):
        if messages not in said:
            wrong(f"not a conversation: it has no {messages!r}")
            continue
        conversation = Conversation(
            said, wrong, string(said.get(key)) or string(said.get("id")), string(said.get(title))
        )
        conversation.pass_time(said.get(began), f"its {began}")
        yield conversation


def looks_like(path: Path, messages: str) -> bool:
    start = head(path, INSIDE)
    return start.startswith(("[", "{")) and f'"{messages}"' in start
