"""Our server and another self-hosted one, mcp-memory-service, asked the same by the same clients in turn. Run by hand.

    python3.11 -m venv MMS && MMS/bin/pip install mcp-memory-service
    PYTHONPATH=src:benchmarks python tests/compare/serve_peers.py MMS/bin/python
    PYTHONPATH=src:benchmarks python tests/compare/serve_peers.py MMS/bin/python --events 10000 --clients 8 16 32

Its Python must let SQLite load extensions, as Debian's does. Both are filled over HTTP, one event a request, four at a
time, and what was answered as kept is asked for after a restart. Theirs has no model here and embeds by hashes, of
which it says itself that they find worse, so what is found is not compared. Its search for near-duplicates,
consolidation, grading and announcing itself on the network are off; ours runs as it comes, reading facts and all.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

import serve_load
from conversation import conversation
from serve_load import Api, Ours, asked, connected, told

Started = Callable[[], AbstractContextManager[str]]  # a server, and its address while it runs
PORT, PATIENCE_S, AT_A_TIME = 18431, 60, 4
START = "from mcp_memory_service.cli.main import main; main()"
QUIET = {
    "MCP_MEMORY_STORAGE_BACKEND": "sqlite_vec",
    "MCP_MEMORY_ALLOW_HASH_EMBEDDINGS": "1",
    "MCP_ALLOW_ANONYMOUS_ACCESS": "true",
    "MCP_SEMANTIC_DEDUP_ENABLED": "false",
    "MCP_CONSOLIDATION_ENABLED": "false",
    "MCP_QUALITY_SYSTEM_ENABLED": "false",
    "MCP_MDNS_ENABLED": "false",
    "HF_HUB_OFFLINE": "1",
}
ONE = {"ours": "/v1/events/", "theirs": "/api/memories/"}


class Theirs:
    adding, searching = "/api/memories", "/api/search"

    def said(self, text: str, user: str) -> dict[str, Any]:
        return {"content": text, "tags": [user.replace(" ", "-")]}

    def asked(self, question: str) -> dict[str, Any]:
        return {"query": question, "n_results": 10}

    def kept(self, answer: dict[str, Any]) -> list[str]:
        return [answer["content_hash"]] if answer.get("success") else []

    def found(self, answer: dict[str, Any]) -> list[Any]:
        return list(answer.get("results", ()))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("python", type=Path, help="of an environment that has mcp-memory-service")
    ask.add_argument("--events", type=int, default=5000)
    ask.add_argument("--clients", type=int, nargs="+", default=[8, 32])
    ask.add_argument("--seconds", type=float, default=30)
    ask.add_argument("--rounds", type=int, default=1)
    ask.add_argument("--folder", type=Path, help="keep the memories here, and take those that are here")
    said = ask.parse_args()
    with tempfile.TemporaryDirectory(prefix="remanence-") as temporary:
        folder = said.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        theirs = partial(theirs_served, said.python, folder / "theirs.db")
        servers: dict[str, tuple[Api, Started]] = {
            "ours": (Ours(), partial(ours_served, folder / "ours.db")),
            "theirs": (Theirs(), theirs),
        }
        for name, (api, started) in servers.items():
            if not (folder / f"{name}.db").exists():
                fill(name, api, started, said.events)
        if said.seconds:
            for n in said.clients:
                load(servers, n, said)


def fill(name: str, api: Api, started: Started, events: int) -> None:
    """Add events, four at a time, and say how long it took."""
    errors: list[str] = []

    def part(first: int, address: str) -> None:
        connection = connected(address)
        for one in conversation(events):
            if one.number % AT_A_TIME == first:
                status, data = told(connection, api.adding, api.said(one.text, one.user))
                if status >= 300 or not api.kept(data):
                    errors.append(f"{status} {str(data)[:200]}")

    with started() as address:
        begun = time.perf_counter()
        threads = [threading.Thread(target=part, args=(first, address)) for first in range(AT_A_TIME)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taken = time.perf_counter() - begun
    show(f"{name}: {events:,} events in {taken:.0f} s, {events / taken:.0f}/s, errors {len(errors)}", *errors[:3])


def load(servers: dict[str, tuple[Api, Started]], n: int, said: argparse.Namespace) -> None:
    """The same clients at each server, round by round; then how many requests each answered.

    Clients that ask again at once wait for one another: what one kind waits less, another waits more.
    """
    answered: dict[str, list[int]] = {name: [] for name in servers}
    for _ in range(said.rounds):
        for name, (api, started) in servers.items():
            with started() as address:
                seen = asked(api, address, n, said.seconds, said.events, f"at {time.time():.0f} number ")
            with started() as address:
                lost = sum(not there(address, ONE[name] + id) for id in seen.kept)
            show(f"{name}, {n} clients, {said.seconds:g} s", *(f"  {line}" for line in seen.lines(said.seconds)))
            show(f"  errors {len(seen.errors)}, lost writes {lost} of {len(seen.kept):,}", *seen.errors[:3])
            answered[name].append(sum(map(len, seen.times.values())))
    rates = {name: statistics.median(counts) / said.seconds for name, counts in answered.items()}
    show(f"{n} clients: " + ", ".join(f"{name} {rate:.1f} requests/s" for name, rate in rates.items()))


@contextmanager
def ours_served(path: Path) -> Iterator[str]:
    with serve_load.served(path) as (address, _):
        yield address


@contextmanager
def theirs_served(python: Path, path: Path) -> Iterator[str]:
    address = f"http://127.0.0.1:{PORT}"
    words = [python, "-c", START, "server", "--http", "--http-host", "127.0.0.1", "--http-port", str(PORT)]
    places = {"MCP_MEMORY_SQLITE_PATH": str(path), "MCP_MEMORY_BASE_DIR": str(path.parent), "HOME": str(path.parent)}
    path_there = {name: value for name, value in os.environ.items() if name == "PATH"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(words, env=path_there | QUIET | places, **quiet)
    try:
        end = time.monotonic() + PATIENCE_S
        while not there(address, "/api/health"):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit("theirs does not answer")
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def there(address: str, path: str) -> bool:
    """Whether a path is answered as good."""
    connection = connected(address)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def show(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
