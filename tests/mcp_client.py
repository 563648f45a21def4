"""A client of the MCP SDK that is installed, for tests: the same few calls in either major."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

pytest.importorskip("mcp")


@dataclass(frozen=True)
class Got:
    """What a tool told."""

    data: Any
    text: str
    failed: bool


def talk(server: Any, said: Callable[[Any], Any]) -> Any:
    """Connect in memory and do what `said`, a coroutine function of a session, does."""

    async def connected() -> Any:
        async with _session(server) as session:
            return await said(session)

    return anyio.run(connected)


def call(server: Any, name: str, **arguments: Any) -> Got:
    """Call one tool."""
    return talk(server, lambda session: asked(session, name, **arguments))


async def asked(session: Any, name: str, **arguments: Any) -> Got:
    return got(await session.call_tool(name, arguments))


def got(result: Any) -> Got:
    said = wire(result)
    return Got(said.get("structuredContent"), said["content"][0]["text"], bool(said.get("isError")))


def wire(value: Any) -> Any:
    """A value of the SDK as it stands in the protocol."""
    return json.loads(value.model_dump_json(by_alias=True, exclude_none=True))


def _session(server: Any) -> Any:
    try:
        from mcp import Client
    except ImportError:
        from mcp.shared.memory import create_connected_server_and_client_session

        return create_connected_server_and_client_session(server)
    return Client(server)
