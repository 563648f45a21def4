"""What is needed of the MCP SDK, under one name in either of its majors."""

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from remanence.errors import MissingExtra


@dataclass(frozen=True, slots=True)
class SDK:
    """`server` is a class: FastMCP of 1.x, MCPServer of 2.x. `context` is what its handlers are given."""

    major: int
    server: Any
    context: Any
    tool: Any
    tool_error: Any
    types: ModuleType
    in_thread: Any

    def new(self, name: str, *, instructions: str, version: str, tools: list[Any]) -> Any:
        """A server with these tools."""
        about = {"instructions": instructions, "tools": tools, "log_level": "WARNING"}
        if self.major > 1:
            return self.server(name, version=version, **about)
        server = self.server(name, **about)
        server._mcp_server.version = version  # it would say the SDK's
        return server

    def sessions(self, server: Any) -> Any:
        """What answers HTTP for a server: no sessions, JSON answers. Hosts and keys are checked before it is asked."""
        from mcp.server.transport_security import TransportSecuritySettings

        how = {
            "stateless_http": True,
            "json_response": True,
            "transport_security": TransportSecuritySettings(enable_dns_rebinding_protection=False),
        }
        if self.major > 1:
            server.streamable_http_app(**how)
        else:
            for name, value in how.items():
                setattr(server.settings, name, value)
            server.streamable_http_app()
        return server.session_manager


def sdk() -> SDK:
    """The SDK that is installed."""
    try:
        in_thread = import_module("anyio.to_thread").run_sync
        types = import_module("mcp.types")
    except ModuleNotFoundError as missing:
        raise MissingExtra(f"MCP needs {missing.name}: pip install 'remanence[mcp]'") from None
    try:
        home, major = import_module("mcp.server.mcpserver"), 2
    except ModuleNotFoundError:
        home, major = import_module("mcp.server.fastmcp"), 1
    tool = import_module(f"{home.__name__}.tools").Tool
    error = import_module(f"{home.__name__}.exceptions").ToolError
    return SDK(major, home.MCPServer if major > 1 else home.FastMCP, home.Context, tool, error, types, in_thread)
