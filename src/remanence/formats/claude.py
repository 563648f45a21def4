"""Conversations exported from Claude.

Source:  Settings, "Export data": conversations.json, an array of conversations with their `chat_messages`; alone, in
         the archive it comes in, or in the unpacked folder.
Differs: only text is kept: thinking, tool calls, their results and pictures are left out. What was extracted from an
         attached file is an event of its own, after its message. The title is in the meta of a conversation's first
         event only, so that renaming it adds one event, not all again. "human" is called "user".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from remanence.formats.base import Base, Item, Progress, Report
from remanence.formats.parts.conversations import Conversation, conversations, looks_like
from remanence.formats.parts.json_values import rows, string, table
from remanence.records import Channel, Event

SENDERS: dict[str, Channel] = {"human": "user", "user": "user", "assistant": "assistant"}


@dataclass
class Claude(Base):
    suffixes: ClassVar[tuple[str, ...]] = (".json", ".zip")
    expected: ClassVar[str] = 'conversations.json: an array of {"uuid", "name", "chat_messages": [...]}'

    def recognises(self, path: Path) -> bool:
        return looks_like(path, "chat_messages")

    def items(self, path: Path, report: Report, progress: Progress | None) -> Iterator[Item]:
        fields = ("uuid", "name", "created_at")
        for conversation in conversations(path, report, progress, "chat_messages", fields):
            for message in rows(conversation.said["chat_messages"]):
                if isinstance(message, dict):
                    yield from _events(message, conversation)
                else:
                    conversation.wrong(f"expected a message, got {type(message).__name__}")


def _events(message: dict[str, Any], conversation: Conversation) -> Iterator[Event]:
    name, sender = string(message.get("uuid")), string(message.get("sender"))
    conversation.pass_time(message.get("created_at"), f"message {name}")
    if sender not in SENDERS:
        conversation.wrong(
            f"message {name}: sender should be human or assistant, got {sender!r}; imported all the same"
        )
    channel = SENDERS.get(sender, "import")
    texts = [
        string(table(part).get("text")) for part in rows(message.get("content")) if table(part).get("type") == "text"
    ]
    # Older exports have no content, and in newer ones `text` also holds what stands for tools and pictures.
    text = "\n\n".join(t for t in texts if t) or string(message.get("text"))
    yield from conversation.event(name, text, channel, sender if channel == "import" else "")
    for attached in rows(message.get("attachments")):
        file = string(table(attached).get("file_name"))
        content = string(table(attached).get("extracted_content"))
        yield from conversation.event(name, content, channel, attachment=file)
