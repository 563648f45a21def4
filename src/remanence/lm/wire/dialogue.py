"""One question to a model until its reply can be used: the ladder of structured output, then repair.

Idea:    ask for the schema; a server that refuses it is asked for less and that is remembered; whatever comes back is
         checked here, because many servers ignore the schema and say 200; a reply that fails is sent back with the
         reason, at most `repairs` times, and then it is BadReply.
Cost:    usually one request; each repair is one more.
"""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from remanence.errors import BadReply, Unavailable
from remanence.lm.base import Usage
from remanence.lm.wire.dialects import Dialect, Request, Said, Turn
from remanence.lm.wire.schema import Schema, parsed, problem
from remanence.lm.wire.transport import Transport

T = TypeVar("T")
CHARACTERS_PER_TOKEN = 4  # when a server does not count


@dataclass
class Dialogue:
    """What both sides have learnt (the rung, the refused parameters) stays for the next question."""

    model: str
    dialect: Dialect
    transport: Transport
    usage: Usage
    tokens: int
    temperature: float
    repairs: int = 2
    rung: int = 0
    without: frozenset[str] = frozenset()
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def ask(self, system: str, data: str, schema: Schema, read: Callable[[Any], T]) -> T:
        """What `read` makes of the reply; `read` raises ValueError with words for the model when it cannot."""
        turns: list[Turn] = [("user", data)]
        tokens, why, text = self.tokens, "", ""
        for _ in range(self.repairs + 1):
            try:
                said = self._say(system, turns, schema, tokens)
            except ValueError as error:  # an envelope without a reply in it: nothing to send back, only to ask again
                why = str(error)
                continue
            text = said.text
            if said.refused:
                raise BadReply(f"{self.model} declined to answer: {text[:500]!r}")
            try:
                value = parsed(text)
                if why := problem(value, schema):
                    raise ValueError(why)
                return read(value)
            except ValueError as error:
                why = str(error)
            if said.cut:
                why += f"; it was cut after {tokens} tokens (setting max_reply_tokens)"
                tokens *= 2
                continue
            turns = [("user", data), ("assistant", text or "(nothing)"), ("user", _repair(why, schema))]
        raise BadReply(
            f"{self.model} gave no usable reply in {self.repairs + 1} attempts: {why}. The last was {text[:500]!r}"
        )

    def _say(self, system: str, turns: list[Turn], schema: Schema, tokens: int) -> Said:
        """One reply, with as much of the schema in the request as this server takes."""
        while True:
            ask = Request(self.model, system, turns, schema, self.rung, tokens, self.temperature, self.without)
            start = time.monotonic()
            try:
                reply = self.transport.post(self.dialect.body(ask))
            except Unavailable:
                self._count(start, retries=self.transport.retries)
                raise
            if reply.status < 400:
                if error := _error(reply.body):
                    raise Unavailable(self.transport.blank(f"{self.transport.shown} answered with an error: {error}"))
                said = self.dialect.said(reply.body)
                self._count(start, said, retries=reply.retries, prompt=len(system) + sum(len(t) for _, t in turns))
                return said
            self._count(start, retries=reply.retries)
            self._concede(reply.status, _error(reply.body) or str(reply.body))

    def _concede(self, status: int, message: str) -> None:
        """After a refusal: leave out the parameter it names, or step down the ladder; Unavailable at its foot."""
        for name in ("max_tokens", "temperature"):
            if re.search(rf"\b{name}\b", message) and name not in self.without:
                self.without |= {name}
                return
        if status not in (400, 422, 501) or self.rung + 1 >= self.dialect.rungs:
            said = f"{self.transport.shown} refused the request (HTTP {status}): {message[:300]}"
            raise Unavailable(self.transport.blank(said))
        self.rung += 1

    def _count(self, start: float, said: Said | None = None, *, retries: int = 0, prompt: int = 0) -> None:
        with self._lock:
            self.usage.seconds += time.monotonic() - start
            self.usage.retries += retries
            if said is None:
                return
            self.usage.calls += 1
            guess = said.prompt_tokens is None or said.reply_tokens is None
            self.usage.estimated += guess
            self.usage.prompt_tokens += prompt // CHARACTERS_PER_TOKEN if guess else said.prompt_tokens or 0
            self.usage.reply_tokens += len(said.text) // CHARACTERS_PER_TOKEN if guess else said.reply_tokens or 0


def _repair(why: str, schema: Schema) -> str:
    fields = ", ".join(schema["properties"])
    shape = json.dumps(schema)
    return (
        f"That cannot be used: {why}. Reply again with one JSON object only, with the fields {fields}; "
        f"it must fit this JSON Schema: {shape}"
    )


def _error(body: Any) -> str:
    """The message of an error object, in the shapes servers use; empty when there is none."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return str(error.get("message") or error)[:300]
    return str(error)[:300] if error else ""
