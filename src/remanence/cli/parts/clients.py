"""Programs that start MCP servers: where each keeps its list of them, and how an entry is written there.

Source:  the programs' own documentation of their configuration files, as of November 2026.
"""

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from remanence.errors import BadConfig

NAME = "remanence"
Entry = dict[str, Any]


@dataclass(frozen=True)
class Client:
    """`table` is where in the file the servers stand. Of VS Code it is the user's file, not a workspace's."""

    name: str
    file: Callable[[], Path]
    table: str = "mcpServers"
    typed: bool = False  # an entry says that it speaks stdio

    @property
    def toml(self) -> bool:
        return self.file().suffix == ".toml"

    def entry(self, command: list[str]) -> Entry:
        kind = {"type": "stdio"} if self.typed else {}
        return kind | {"command": command[0], "args": command[1:]}

    def held(self) -> Entry | None:
        """Our entry as it stands in the file, if there is one."""
        found = self._servers(self.text()).get(NAME)
        return found if isinstance(found, dict) else None

    def text(self) -> str:
        """What the file holds; nothing, when it is not there."""
        try:
            return self.file().read_text(encoding="utf-8") if self.file().is_file() else ""
        except UnicodeDecodeError as error:
            raise BadConfig(f"{self.file()} is not UTF-8 text and was left as it is: {error}") from None

    def shown(self, entry: Entry) -> str:
        """What to write by hand."""
        return _toml(self.table, entry) if self.toml else json.dumps({self.table: {NAME: entry}}, indent=2)

    def with_entry(self, text: str, entry: Entry) -> str:
        """The file's text with our entry in it; everything else stays, and of an older entry what it said besides."""
        servers = self._servers(text)
        older = servers.get(NAME)
        entry = (older if isinstance(older, dict) else {}) | entry
        if older == entry:
            return text
        if self.toml:
            return self._into_toml(text, entry)
        whole = self._read(text) | {self.table: servers | {NAME: entry}}
        return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"

    def _into_toml(self, text: str, entry: Entry) -> str:
        """Our tables cut out and put at the end: comments and order of the rest are kept."""
        kept, ours = [], False
        for line in text.splitlines(keepends=True):
            if line.lstrip().startswith("["):
                ours = line.strip().startswith((f"[{self.table}.{NAME}]", f"[{self.table}.{NAME}."))
            if not ours:
                kept.append(line)
        before = "".join(kept).rstrip()
        written = f"{before}\n\n{_toml(self.table, entry)}" if before else _toml(self.table, entry)
        wanted = self._read(text)
        wanted = wanted | {self.table: wanted.get(self.table, {}) | {NAME: entry}}
        try:
            same = tomllib.loads(written) == wanted
        except tomllib.TOMLDecodeError:
            same = False
        if not same:
            raise BadConfig(f"{self.file()} is written in a way that we cannot add to; it was left as it is")
        return written

    def _servers(self, text: str) -> dict[str, Any]:
        servers = self._read(text).get(self.table, {})
        if not isinstance(servers, dict):
            raise BadConfig(f"{self.file()}: {self.table!r} must be a table; it was left as it is")
        return servers

    def _read(self, text: str) -> dict[str, Any]:
        read = tomllib.loads if self.toml else json.loads
        try:
            whole = read(text) if text.strip() else {}
        except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
            kind = "TOML" if self.toml else "JSON"
            raise BadConfig(f"{self.file()} is not {kind} and was left as it is: {error}") from None
        if not isinstance(whole, dict):
            raise BadConfig(f"{self.file()} must hold an object; it was left as it is")
        return whole


def _toml(table: str, entry: Entry) -> str:
    lines = [f"[{table}.{NAME}]", *(f"{key} = {_value(value)}" for key, value in entry.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """As TOML: what is no table is written as in JSON."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False, default=str)


def _settings_of(program: str) -> Path:
    return platformdirs.PlatformDirs(program, appauthor=False, roaming=True).user_config_path


CLIENTS = {
    client.name: client
    for client in (
        Client("claude-code", lambda: Path.home() / ".claude.json", typed=True),
        Client("claude-desktop", lambda: _settings_of("Claude") / "claude_desktop_config.json"),
        Client("cursor", lambda: Path.home() / ".cursor" / "mcp.json"),
        Client("vscode", lambda: _settings_of("Code") / "User" / "mcp.json", table="servers", typed=True),
        Client("codex", lambda: Path.home() / ".codex" / "config.toml", table="mcp_servers"),
    )
}
