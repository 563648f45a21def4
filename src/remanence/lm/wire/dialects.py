"""The two ways of asking: OpenAI's /v1/chat/completions and Anthropic's /v1/messages.

Idea:    each knows its address, its headers, its body at each rung of the ladder of structured output, and where in the
         reply the text and the token counts are. Rung 0 asks for the schema, each further rung for less.
Differs: no streaming, no images, no tools beyond the one that forces a shape.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from remanence.lm.wire.schema import Schema

Turn = tuple[str, str]  # role ("user" or "assistant"), text


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said; None for a token count that the reply does not give."""

    text: str
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    cut: bool = False  # the limit on reply tokens ended it
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One question in a shape both dialects can send."""

    model: str
    system: str
    turns: Sequence[Turn]
    schema: Schema
    rung: int
    tokens: int
    temperature: float
    without: frozenset[str] = frozenset()  # parameters this model refused


class Dialect(ABC):
    """`rungs` is how many ways of asking for a shape there are; the last one only asks in words."""

    rungs = 3
    ending: str

    def address(self, url: str) -> str:
        """The full address from what a user writes: a host, a base ending in /v1, or all of it."""
        parts = urlsplit(url)
        path = parts.path.rstrip("/")
        if not path.endswith(self.ending):
            path = (path or "/v1") + self.ending
        return parts._replace(path=path, fragment="").geturl()

    @abstractmethod
    def headers(self, key: str) -> dict[str, str]:
        """The headers that carry the key."""

    @abstractmethod
    def body(self, ask: Request) -> dict[str, Any]:
        """The JSON to send."""

    @abstractmethod
    def said(self, body: Any) -> Said:
        """What the model said; ValueError when the envelope is not one we know."""


class OpenAI(Dialect):
    ending = "/chat/completions"

    def headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def body(self, ask: Request) -> dict[str, Any]:
        system = ask.system if ask.rung == 0 else in_words(ask)
        turns = [{"role": role, "content": text} for role, text in ask.turns]
        limit = "max_completion_tokens" if "max_tokens" in ask.without else "max_tokens"
        body: dict[str, Any] = {"model": ask.model, "messages": [{"role": "system", "content": system}, *turns]}
        body[limit] = ask.tokens
        if "temperature" not in ask.without:
            body["temperature"] = ask.temperature
        if ask.rung == 0:
            shape = {"name": "reply", "strict": True, "schema": ask.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        elif ask.rung == 1:
            body["response_format"] = {"type": "json_object"}
        return body

    def said(self, body: Any) -> Said:
        choices = _of(body, "choices", list)
        if not choices:
            raise ValueError("the reply has no choices")
        message = _of(choices[0], "message", dict)
        if message.get("refusal"):
            return Said(str(message["refusal"]), *_counts(body, "prompt_tokens", "completion_tokens"), refused=True)
        content = message.get("content") or ""
        text = (
            content
            if isinstance(content, str)
            else "".join(str(p.get("text", "")) for p in content if isinstance(p, dict))
        )
        counts = _counts(body, "prompt_tokens", "completion_tokens")
        return Said(text, *counts, cut=choices[0].get("finish_reason") == "length")


class Anthropic(Dialect):
    ending = "/messages"

    def headers(self, key: str) -> dict[str, str]:
        return {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})

    def body(self, ask: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": ask.model,
            "system": ask.system if ask.rung < 2 else in_words(ask),
            "messages": [{"role": role, "content": text} for role, text in ask.turns],
            "max_tokens": ask.tokens,
        }
        if "temperature" not in ask.without:
            body["temperature"] = ask.temperature
        if ask.rung == 0:
            body["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
        elif ask.rung == 1:
            body["tools"] = [{"name": "reply", "description": "Give the reply.", "input_schema": ask.schema}]
            body["tool_choice"] = {"type": "tool", "name": "reply"}
        return body

    def said(self, body: Any) -> Said:
        blocks = [b for b in _of(body, "content", list) if isinstance(b, dict)]
        forced = [json.dumps(b.get("input")) for b in blocks if b.get("type") == "tool_use"]
        text = "".join(str(b.get("text", "")) for b in blocks if b.get("type") == "text")
        counts = _counts(body, "input_tokens", "output_tokens")
        stop = body.get("stop_reason")
        return Said(forced[0] if forced else text, *counts, cut=stop == "max_tokens", refused=stop == "refusal")


DIALECTS: Mapping[str, type[Dialect]] = {"openai": OpenAI, "anthropic": Anthropic}


def guessed(url: str) -> str:
    """The name of the dialect an address most likely speaks."""
    parts = urlsplit(url)
    ours = (parts.hostname or "").endswith("anthropic.com") or parts.path.rstrip("/").endswith("/messages")
    return "anthropic" if ours else "openai"


def in_words(ask: Request) -> str:
    """The system prompt with the schema in it, for a server that cannot be told otherwise."""
    shape = json.dumps(ask.schema)
    return f"{ask.system}\nReply with one JSON object and nothing else. It must fit this JSON Schema:\n{shape}"


def _of(body: Any, name: str, kind: type) -> Any:
    found = body.get(name) if isinstance(body, dict) else None
    if not isinstance(found, kind):
        raise ValueError(f"the reply has no {name!r}: {json.dumps(body)[:200]}")
    return found


def _counts(body: Any, prompt: str, reply: str) -> tuple[int | None, int | None]:
    usage = body.get("usage")
    found = [usage.get(name) if isinstance(usage, dict) else None for name in (prompt, reply)]
    a, b = (n if isinstance(n, int) and not isinstance(n, bool) else None for n in found)
    return a, b
