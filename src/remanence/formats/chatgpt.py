"""Conversations exported from ChatGPT.

Source:  Settings, "Export data": conversations.json, an array of conversations, each a tree of messages in `mapping`
         with the leaf last seen in `current_node`; alone, in the archive it comes in, or in the unpacked folder.
Differs: only the branch last seen is kept unless `branches` asks for the others, whose meta says so. System messages,
         hidden ones, pictures, sound and reasoning are left out. The title is in the meta of a conversation's first
         event only, so that renaming it adds one event, not all again. A message without a time takes that of the
         one before it, else its conversation's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from remanence.formats.base import Base, Item, Progress, Report
from remanence.formats.parts.conversations import Conversation, conversations, looks_like
from remanence.formats.parts.json_values import rows, string, table
from remanence.records import Channel, Event

ROLES: dict[str, Channel] = {"user": "user", "assistant": "assistant", "tool": "tool"}
UNSAID = ("thoughts", "reasoning_recap", "user_editable_context", "model_editable_context")


@dataclass
class ChatGPT(Base):
    suffixes: ClassVar[tuple[str, ...]] = (".json", ".zip")
    expected: ClassVar[str] = 'conversations.json: an array of {"title", "mapping": {...}, "current_node"}'

    branches: bool = False  # also the messages of branches left behind

    def recognises(self, path: Path) -> bool:
        return looks_like(path, "mapping")

    def items(self, path: Path, report: Report, progress: Progress | None) -> Iterator[Item]:
        for conversation in conversations(
            path, report, progress, "mapping", ("conversation_id", "title", "create_time")
        ):
            nodes = table(conversation.said["mapping"])
            seen = _branch(nodes, conversation)
            for name in seen:
                yield from _events(name, nodes[name], conversation)
            if self.branches:
                kept = set(seen)
                for name in nodes:
                    if name not in kept:
                        yield from _events(name, nodes[name], conversation, branch="other")


def _branch(nodes: dict[str, Any], conversation: Conversation) -> list[str]:
    """The names of the nodes from the root to the leaf last seen."""
    name = string(conversation.said.get("current_node"))
    if name not in nodes:  # then the last of the leaves, which is the newest
        leaves = [leaf for leaf, node in nodes.items() if not rows(table(node).get("children"))]
        name = leaves[-1] if leaves else next(reversed(nodes), "")
    branch: dict[str, None] = {}
    while name in nodes:
        if name in branch:
            conversation.wrong(f"its messages follow each other in a circle at {name}")
            break
        branch[name] = None
        name = string(table(nodes[name]).get("parent"))
    return list(reversed(branch))


def _events(name: str, node: object, conversation: Conversation, **meta: str) -> Iterator[Event]:
    message = table(table(node).get("message"))
    author, content = table(message.get("author")), table(message.get("content"))
    role = string(author.get("role"))
    hidden = table(message.get("metadata")).get("is_visually_hidden_from_conversation") is True
    if hidden or role == "system" or content.get("content_type") in UNSAID:
        return
    conversation.pass_time(message.get("create_time"), f"message {name}")
    channel = ROLES.get(role, "import")
    if (recipient := string(message.get("recipient"))) not in ("", "all"):  # a tool is called
        meta = {**meta, "recipient": recipient}
    yield from conversation.event(name, _text(content), channel, string(author.get("name")) or role, **meta)


def _text(content: dict[str, Any]) -> str:
    if not isinstance(content.get("parts"), list):  # code, output of code, quotes
        return string(content.get("text")) or string(content.get("result"))
    parts = [part if isinstance(part, str) else table(part).get("text") for part in rows(content["parts"])]
    return "\n".join(string(part) for part in parts if part)
