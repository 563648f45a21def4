"""A session of the OpenAI Agents SDK in a memory: what was said is the agent's history, and is remembered.

Idea:    an item of the session is an event: its text is what was said, called or answered, its meta the whole item. The
         session is the event's session, so other conversations and programs find it by searching the memory. Taking
         an item back and clearing are events too, which put away what those items gave: the agent no longer sees
         them, and `remanence events` still does.
Cost:    every verb reads the events of the session.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import RLock
from typing import Any, Literal, TypeVar, cast

from agents import SessionSettings, TResponseInputItem
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit

from remanence.integrations.parts.journal import TICK, Journal, after
from remanence.memory import Memory
from remanence.records import Channel, Event

T = TypeVar("T")
Said = Literal["item", "popped", "cleared"]
KIND = "openai_agents"  # the entry of an event's meta that says which of these it is
CHANNELS: dict[str, Channel] = {"user": "user", "assistant": "assistant"}


class RemanenceSession:
    """The SDK's `Session` protocol. The memory stays open: whoever opened it closes it."""

    def __init__(
        self,
        session_id: str,
        memory: Memory,
        *,
        session_settings: SessionSettings | dict[str, Any] | None = None,
        app: str = "openai-agents",
        **scope: str,
    ):
        self.session_id = session_id
        self.session_settings: SessionSettings | None = coerce_session_settings(session_settings or SessionSettings())
        self.journal, self.lock = Journal(memory, app=app, **scope), RLock()

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The newest `limit` items, the oldest of them first."""
        limit = resolve_session_limit(limit, self.session_settings)
        items = await _whole(lambda: [event.meta["item"] for event in self._held()[1]])
        return items if limit is None else items[max(0, len(items) - limit) :]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        if items:
            await _whole(lambda: self._add([cast("dict[str, Any]", item) for item in items]))

    async def pop_item(self) -> TResponseInputItem | None:
        """The newest item, which is there no longer."""
        return cast("TResponseInputItem | None", await _whole(self._pop))

    async def clear_session(self) -> None:
        await _whole(self._clear)

    def _held(self) -> tuple[list[Event], list[Event]]:
        """The events of the session, and those of them whose items are there."""
        events = self.journal.said(self.session_id)
        held: list[Event] = []
        for event in events:
            said = event.meta.get(KIND)
            if said == "item":
                held.append(event)
            elif said == "popped":
                held = [old for old in held if old.id != event.meta["of"]]
            elif said == "cleared":
                held = []
        return events, held

    def _add(self, items: Sequence[dict[str, Any]]) -> None:
        with self.lock:
            at = after(self._held()[0])
            self.journal.keep([self._item(item, at + n * TICK) for n, item in enumerate(items)])

    def _pop(self) -> Any:
        with self.lock:
            events, held = self._held()
            if not held:
                return None
            self._take_back("popped", events, held[-1:], of=held[-1].id)
            return held[-1].meta["item"]

    def _clear(self) -> None:
        with self.lock:
            events, held = self._held()
            if held:
                self._take_back("cleared", events, held)

    def _take_back(self, said: Said, events: list[Event], held: list[Event], **beside: str) -> None:
        meta = {KIND: said, **beside}
        self.journal.keep([self.journal.event(said, after(events), self.session_id, meta=meta)], found=False)
        self.journal.put_away(held)

    def _item(self, item: dict[str, Any], at: datetime) -> Event:
        role = str(item.get("role", ""))
        meta = {KIND: "item", "item": item}
        channel = CHANNELS.get(role, "tool")
        return self.journal.event(_text(item), at, self.session_id, channel=channel, role=role, meta=meta)


async def _whole(work: Callable[[], T]) -> T:
    """On a thread, to its end: whoever is cancelled meanwhile learns of it when there is nothing left half done."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _text(item: dict[str, Any]) -> str:
    """What an item says: a message its text, a call its name and arguments, an answer to a call its output."""
    said = item.get("content") or item.get("output") or item.get("summary")
    if isinstance(said, str):
        return said
    if isinstance(said, list):
        parts = [part.get("text") or part.get("refusal") for part in said if isinstance(part, dict)]
        if any(parts):
            return "\n".join(part for part in parts if part)
    if "name" in item and "arguments" in item:
        return f"{item['name']}({item['arguments']})"
    return json.dumps(item, ensure_ascii=False)
