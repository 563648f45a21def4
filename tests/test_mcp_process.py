"""`remanence mcp` as a client starts it: a process, its standard input and output, and nothing else on them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


class Process:
    """One server; every line it writes must be the answer that was asked for."""

    def __init__(self, folder: Path, *words: str, python: tuple[str, ...] = ("-m", "remanence")):
        self.asked = 0
        command = [sys.executable, *python, "mcp", "--memory", "m.db", "--embed", "hashing", *words]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(command, cwd=folder, text=True, encoding="utf-8", **pipes)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self.asked += 1
        self.say({"id": self.asked, "method": method, "params": params})
        answer = json.loads(self.process.stdout.readline())
        assert answer["id"] == self.asked and answer["jsonrpc"] == "2.0"
        return answer["result"]

    def say(self, message: dict[str, Any]) -> None:
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
        self.process.stdin.flush()

    def call(self, name: str, **arguments: Any) -> Any:
        result = self.ask("tools/call", name=name, arguments=arguments)
        assert not result.get("isError"), result
        return result["structuredContent"]


@contextmanager
def started(folder: Path, *words: str) -> Iterator[Process]:
    server = Process(folder, *words)
    try:
        assert server.ask("initialize", **HELLO)["serverInfo"]["name"] == "remanence"
        server.say({"method": "notifications/initialized"})
        yield server
        rest, _ = server.process.communicate(timeout=30)  # its input ends
        assert rest == ""
        assert server.process.returncode == 0
    finally:
        server.process.kill()
        server.process.communicate()


def test_each_tool_answers_and_what_was_said_is_there_next_time(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        (one, *_) = server.call("add_memory", text="Ana keeps bees \U0001f41d.", at="2024-05-01")["memories"]
        assert server.call("search_memories", query="bees")["memories"][0]["id"] == one["id"]
        assert server.call("get_memory", id=one["id"])["state"] == "holds"
        new = server.call("update_memory", id=one["id"], text="Ana keeps goats.")["memory"]
        assert new["id"] in {kept["id"] for kept in server.call("list_memories")["memories"]}
        server.call("delete_memory", id=new["id"])
    with started(tmp_path) as server:
        assert server.call("get_memory", id=one["id"])["memory"]["text"] == "Ana keeps bees \U0001f41d."
        assert server.call("get_memory", id=new["id"])["state"] == "forgotten"


def test_what_is_wrong_is_answered_and_the_next_is_answered_too(tmp_path: Path) -> None:
    with started(tmp_path, "--tools", "full") as server:
        result = server.ask("tools/call", name="get_memory", arguments={"id": "ffff"})
        assert result["isError"] and "no record or event" in result["content"][0]["text"]
        result = server.ask("tools/call", name="search_memories", arguments={"query": "x", "limit": 0})
        assert result["isError"]
        assert server.call("get_context", question="x") == {"text": "", "tokens": 0}


def test_an_option_says_whose_it_is(tmp_path: Path) -> None:
    with started(tmp_path, "--user", "bo") as server:
        server.call("add_memory", text="The canary is in Faro.")
    with started(tmp_path, "--user", "ana") as server:
        assert server.call("list_memories") == {"memories": []}
        refused = server.ask("tools/call", name="list_memories", arguments={"user": "bo"})
        assert refused["isError"] and "for user 'ana'" in refused["content"][0]["text"]


def test_what_others_print_does_not_reach_the_client(tmp_path: Path) -> None:
    (tmp_path / "shout.py").write_text(
        "import remanence.local as local\n"
        "real = local.Local.search\n"
        "def search(self, *given, **said):\n"
        "    print('stray')\n"
        "    return real(self, *given, **said)\n"
        "local.Local.search = search\n"
    )
    code = "import sys; sys.path.insert(0, '.'); import shout; from remanence.cli import main; main()"
    server = Process(tmp_path, python=("-c", code))
    server.ask("initialize", **HELLO)
    server.say({"method": "notifications/initialized"})
    assert server.call("search_memories", query="x") == {"memories": []}
    rest, told = server.process.communicate(timeout=30)
    assert rest == "" and "stray" in told


@pytest.mark.parametrize(("option", "said"), [("--tools", "no profile of tools"), ("--embed", "no embed")])
def test_what_keeps_it_from_starting_is_said_on_standard_error(tmp_path: Path, option: str, said: str) -> None:
    server = Process(tmp_path, option, "nothing")
    rest, told = server.process.communicate(timeout=60)
    assert (rest, server.process.returncode) == ("", 1)
    assert said in told and "Traceback" not in told
