"""What the server takes: how soon it is ready, and 32 clients that search and add at once for half a minute.

    python benchmarks/serve_load.py                     # ready on 10k; 100k events, 32 clients, 30 s
    python benchmarks/serve_load.py --events 10000 --seconds 10
    python benchmarks/serve_load.py --seconds 0         # how soon it is ready, alone

The server is `remanence serve` in a process of its own, the clients are threads of a second one, each with one
connection, asking again as soon as it is answered: so a request waits for those of all others, and what it takes is
mostly that. One request in five adds. Afterwards every write that was answered is looked for in the file. Linux.
tests/compare/serve_peers.py asks another server in the same way.
"""

import argparse
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from conversation import conversation, questions

import remanence
from remanence.plain import event_of

CLIENTS, ADDS_EVERY, STARTS, READY_ON = 32, 5, 9, 10_000
SPREAD, READY_S = 10, 2.0  # the bars: p99 of search over its p50, and until /readyz answers
QUESTIONS = 500
JSON = {"Content-Type": "application/json"}


class Api(Protocol):
    """The routes that are asked, what is said there, and what of an answer counts."""

    adding: str
    searching: str

    def said(self, text: str, user: str) -> dict[str, Any]: ...
    def asked(self, question: str) -> dict[str, Any]: ...
    def kept(self, answer: dict[str, Any]) -> list[str]: ...
    def found(self, answer: dict[str, Any]) -> list[Any]: ...


class Ours:
    adding, searching = "/v1/memories", "/v1/search"

    def said(self, text: str, user: str) -> dict[str, Any]:
        return {"text": text, "user": user}

    def asked(self, question: str) -> dict[str, Any]:
        return {"question": question, "k": 10}

    def kept(self, answer: dict[str, Any]) -> list[str]:
        return list(answer.get("events", ()))

    def found(self, answer: dict[str, Any]) -> list[Any]:
        return list(answer.get("hits", ()))


@dataclass(frozen=True)
class Seen:
    """What all clients saw together: seconds by kind, ids of what was kept, errors."""

    times: dict[str, list[float]]
    kept: list[str]
    errors: list[str]

    def lines(self, seconds: float) -> Iterator[str]:
        for kind, taken in self.times.items():
            p50, p99 = self.at(kind, 0.5), self.at(kind, 0.99)
            shown = f"p50 {1e3 * p50:.0f} ms, p99 {1e3 * p99:.0f} ms ({p99 / p50:.1f} x), max {1e3 * max(taken):.0f} ms"
            yield f"{kind}: {len(taken):,}, {len(taken) / seconds:.0f}/s, {shown}"

    def at(self, kind: str, share: float) -> float:
        taken = sorted(self.times[kind])
        return taken[min(len(taken) - 1, int(share * len(taken)))]


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--events", type=int, default=100_000)
    ask.add_argument("--seconds", type=float, default=30)
    ask.add_argument("--clients", type=int, default=CLIENTS)
    ask.add_argument("--folder", type=Path, help="keep the memories here, and take those that are here")
    said = ask.parse_args()
    with tempfile.TemporaryDirectory(prefix="remanence-") as temporary:
        folder = said.folder or Path(temporary)
        walls, cpus = zip(*ready(made(folder / "ready.db", READY_ON)), strict=True)
        print(f"ready on {READY_ON:,} events: {', '.join(f'{wall:.2f}' for wall in walls)} s (bar {READY_S:g})")
        print(f"  median {statistics.median(walls):.2f} s, of which CPU {statistics.median(cpus):.2f} s")
        if said.seconds:
            load(made(folder / f"{said.events}.db", said.events), said)


def made(path: Path, n: int) -> Path:
    """A memory of n events, made unless it is there."""
    if path.exists():
        return path
    with remanence.open(path) as memory:
        memory.add_many(
            event_of(said.text, at=said.at, user=said.user, speaker=said.speaker, session=said.session)
            for said in conversation(n)
        )
    return path


@contextmanager
def served(path: Path) -> Iterator[tuple[str, int]]:
    """The address and the process id of a server."""
    words = [sys.executable, "-m", "remanence", "serve", "--memory", str(path), "--port", "0"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        line = process.stderr.readline()
        address = re.search(r"http://\S+", line)
        if not address:
            raise SystemExit(line)
        yield address[0], process.pid
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


def ready(path: Path) -> list[tuple[float, float]]:
    """Seconds from the command to the first answer of /readyz, and of the CPU for it."""
    taken = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        with served(path) as (address, pid):
            connection = connected(address)
            connection.request("GET", "/readyz")
            assert connection.getresponse().status == 200
            wall, ticks = time.perf_counter() - begun, Path(f"/proc/{pid}/stat").read_text().split()[13:15]
            taken.append((wall, sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")))
    return taken


def load(path: Path, said: argparse.Namespace) -> None:
    with served(path) as (address, _):
        seen = asked(Ours(), address, said.clients, said.seconds, said.events)
    with remanence.open(path) as memory:
        lost = sum(1 for id in seen.kept if not there(memory, id))
        waiting = memory.status()["pending"]
    requests = sum(map(len, seen.times.values()))
    print(f"{said.events:,} events, {said.clients} clients, {said.seconds:g} s: {requests:,} requests")
    for line in seen.lines(said.seconds):
        print(f"  {line}")
    print(
        f"  errors {len(seen.errors)}, lost writes {lost} of {len(seen.kept):,}, waiting to be derived {waiting}",
        *seen.errors[:3],
    )
    spread = seen.at("search", 0.99) / seen.at("search", 0.5)
    print(f"  bars: p99/p50 of search {spread:.1f} (under {SPREAD}), no error, no lost write")


def there(memory: Any, id: str) -> bool:
    try:
        return bool(memory.get(id).id == id)
    except remanence.RemanenceError:
        return False


def asked(api: Api, address: str, n: int, seconds: float, events: int, mark: str = "") -> Seen:
    """Let n clients ask in a process of their own, so that they take nothing from this one or the server."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        return apart.submit(clients, api, address, n, seconds, events, mark).result()


def clients(api: Api, address: str, n: int, seconds: float, events: int, mark: str) -> Seen:
    """What n threads see that search and add until the time is up. `mark` makes texts differ from those of before."""
    seen = Seen({"search": [], "add": []}, [], [])
    texts = [question.text for question in questions(events, QUESTIONS)]
    end = time.perf_counter() + seconds

    def client(number: int) -> None:
        connection, turn = connected(address), number
        while time.perf_counter() < end:
            turn += 1
            adding = turn % ADDS_EVERY == 0
            text = f"Client {number} says thing {mark}{turn}: {texts[turn % QUESTIONS]}"
            body = api.said(text, f"client {number}") if adding else api.asked(texts[(turn * 7 + number) % QUESTIONS])
            begun = time.perf_counter()
            try:
                status, data = told(connection, api.adding if adding else api.searching, body)
            except (OSError, HTTPException, ValueError) as error:
                seen.errors.append(repr(error))
                connection = connected(address)
                continue
            seen.times["add" if adding else "search"].append(time.perf_counter() - begun)
            if status >= 300 or not (api.kept(data) if adding else api.found(data)):
                seen.errors.append(f"{status} {str(data)[:200]}")
            elif adding:
                seen.kept.extend(api.kept(data))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def told(connection: HTTPConnection, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """The status and the JSON that a POST is answered with."""
    connection.request("POST", path, json.dumps(body), JSON)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def connected(address: str) -> HTTPConnection:
    parts = urlsplit(address)
    return HTTPConnection(parts.hostname or "", parts.port, timeout=60)


if __name__ == "__main__":
    main()
