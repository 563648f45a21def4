"""`--tools graph` beside the reference memory server: the same calls, drawn at random, and the same JSON.

    python tests/compare/mcp_reference.py [SEED]

Needs npx. What differs on purpose is not drawn: two entities of one name in a call, one observation twice.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

REFERENCE = ["npx", "--yes", "@modelcontextprotocol/server-memory@2026.8.31"]
NAMES, TYPES, FACTS = ("Ana", "Bo", "Acme", "Zoe"), ("person", "company"), ("swims", "sings", "bakes: bread", "ü\n2")
CALLS = 300
Draw = Callable[[random.Random], dict[str, Any]]


class Server:
    def __init__(self, command: list[str], folder: Path):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        environment = {"env": {**os.environ, "MEMORY_FILE_PATH": str(folder / "memory.jsonl")}}
        self.process = subprocess.Popen(command, cwd=folder, text=True, encoding="utf-8", **pipes, **environment)
        who = {"name": "compare", "version": "1"}
        self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=who)
        self.say({"method": "notifications/initialized"})

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self.say({"id": 1, "method": method, "params": params})
        return json.loads(self.process.stdout.readline())["result"]

    def say(self, message: dict[str, Any]) -> None:
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
        self.process.stdin.flush()

    def call(self, name: str, arguments: dict[str, Any]) -> Any:
        result = self.ask("tools/call", name=name, arguments=arguments)
        return "failed" if result.get("isError") else _sorted(result["structuredContent"])


def draws() -> dict[str, Draw]:
    def some(r: random.Random, of: tuple[str, ...]) -> list[str]:
        return r.sample(of, r.randint(0, len(of)))

    def edge(r: random.Random) -> dict[str, str]:
        return {"from": r.choice(NAMES), "to": r.choice(NAMES), "relationType": r.choice(("knows", "works_at"))}

    def node(r: random.Random, name: str) -> dict[str, Any]:
        return {"name": name, "entityType": r.choice(TYPES), "observations": some(r, FACTS)}

    return {
        "create_entities": lambda r: {"entities": [node(r, name) for name in some(r, NAMES)]},
        "create_relations": lambda r: {"relations": [edge(r)]},
        "add_observations": lambda r: {"observations": [{"entityName": r.choice(NAMES), "contents": some(r, FACTS)}]},
        "delete_entities": lambda r: {"entityNames": [r.choice(NAMES)]},
        "delete_observations": lambda r: {
            "deletions": [{"entityName": r.choice(NAMES), "observations": some(r, FACTS)}]
        },
        "delete_relations": lambda r: {"relations": [edge(r)]},
        "read_graph": lambda r: {},
        "search_nodes": lambda r: {"query": r.choice(("an", "PERSON", "bread", "s"))},
        "open_nodes": lambda r: {"names": some(r, NAMES)},
    }


def main(seed: int = 0) -> int:
    rolled, tools, different = random.Random(seed), draws(), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = [sys.executable, "-m", "remanence", "mcp", "--tools", "graph", "--memory", "m.db", "--embed", "hashing"]
        pair = [Server(REFERENCE, folder), Server(ours, folder)]
        for _ in range(CALLS):
            tool = rolled.choice(list(tools))
            arguments = tools[tool](rolled)
            theirs, mine = (server.call(tool, arguments) for server in pair)
            if theirs != mine:
                different += 1
                sys.stdout.write(f"{tool} {arguments}\n  reference {theirs}\n  ours      {mine}\n")
        for server in pair:
            server.process.stdin.close()
            server.process.wait()
    sys.stdout.write(f"{CALLS} calls, {different} answered differently\n")
    return different


def _sorted(value: Any) -> Any:
    """In no order: a graph has none."""
    if isinstance(value, dict):
        return {key: _sorted(inner) for key, inner in value.items()}
    return sorted((_sorted(inner) for inner in value), key=repr) if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:]))))
