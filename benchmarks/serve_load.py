"""What the server takes: how soon it is ready, and 32 clients that search and add at once for half a minute.

    python benchmarks/serve_load.py                     # 100k events, 32 clients, 30 s; ready on 10k
    python benchmarks/serve_load.py --events 10000 --seconds 10

The server is `remanence serve` in a process of its own, the clients are threads of a second one, each with one
connection, asking again as soon as it is answered: so a request waits for those of all others, and what it takes is
mostly that. One request in five adds. Afterwards every write that was answered is looked for in the file. Linux.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conversation import conversation, questions

import remanence
from remanence.plain import event_of

CLIENTS, ADDS_EVERY, STARTS, READY_ON = 32, 5, 5, 10_000
SPREAD, READY_S = 10, 2.0  # the bars: p99 of search over its p50, and until /readyz answers


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--events", type=int, default=100_000)
    ask.add_argument("--seconds", type=float, default=30)
    ask.add_argument("--clients", type=int, default=CLIENTS)
    ask.add_argument("--folder", type=Path, help="keep the memories here, and take those that are here")
    ask.add_argument("--child", help=argparse.SUPPRESS)  # this process is the clients
    said = ask.parse_args()
    if said.child:
        print(json.dumps(clients(said.child, said.clients, said.seconds, said.events)))
        return
    with tempfile.TemporaryDirectory(prefix="remanence-") as temporary:
        folder = said.folder or Path(temporary)
        small, large = made(folder / "ready.db", READY_ON), made(folder / f"{said.events}.db", said.events)
        if not said.seconds:  # they were only to be made
            return
        walls, cpus = zip(*ready(small), strict=True)
        print(f"ready on {READY_ON:,} events: {', '.join(f'{wall:.2f}' for wall in walls)} s (bar {READY_S:g})")
        print(f"  median {statistics.median(walls):.2f} s, of which CPU {statistics.median(cpus):.2f} s")
        load(large, said)


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
    options = ["--clients", str(said.clients), "--seconds", str(said.seconds), "--events", str(said.events)]
    with served(path) as (address, _):
        words = [sys.executable, __file__, "--child", address, *options]
        out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = json.loads(out)
    with remanence.open(path) as memory:
        lost = sum(1 for id in found["kept"] if not there(memory, id))
        waiting = memory.status()["pending"]
    requests = sum(map(len, found["times"].values()))
    print(f"{said.events:,} events, {said.clients} clients, {said.seconds:g} s: {requests:,} requests")
    for kind, times in found["times"].items():
        p50, p99 = at(times, 0.5), at(times, 0.99)
        shown = f"p50 {1e3 * p50:.0f} ms, p99 {1e3 * p99:.0f} ms ({p99 / p50:.1f} x), max {1e3 * times[-1]:.0f} ms"
        print(f"  {kind}: {len(times):,}, {len(times) / said.seconds:.0f}/s, {shown}")
    print(
        f"  errors {found['errors']}, lost writes {lost} of {len(found['kept']):,}, waiting to be derived {waiting}",
        *found["first"],
    )
    spread = at(found["times"]["search"], 0.99) / at(found["times"]["search"], 0.5)
    print(f"  bars: p99/p50 of search {spread:.1f} (under {SPREAD}), no error, no lost write")


def there(memory: Any, id: str) -> bool:
    try:
        return bool(memory.get(id).id == id)
    except remanence.RemanenceError:
        return False


def at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))]


def clients(address: str, n: int, seconds: float, events: int) -> dict[str, Any]:
    """What all clients saw: sorted times by kind, ids of what was kept, errors."""
    times: dict[str, list[float]] = {"search": [], "add": []}
    kept: list[str] = []
    errors: list[str] = []
    asked = [question.text for question in questions(events, 500)]
    end = time.perf_counter() + seconds

    def client(number: int) -> None:
        connection, turn = connected(address), number
        while time.perf_counter() < end:
            turn += 1
            adding = turn % ADDS_EVERY == 0
            said = {"text": f"Client {number} says thing {turn}: {asked[turn % 500]}", "user": f"client {number}"}
            body = said if adding else {"question": asked[(turn * 7 + number) % 500], "k": 10}
            begun = time.perf_counter()
            try:
                connection.request("POST", f"/v1/{'memories' if adding else 'search'}", json.dumps(body), JSON)
                answer = connection.getresponse()
                data = json.loads(answer.read())
            except (OSError, HTTPException, ValueError) as error:
                errors.append(repr(error))
                connection = connected(address)
                continue
            times["add" if adding else "search"].append(time.perf_counter() - begun)
            if answer.status != (201 if adding else 200) or not data.get("events" if adding else "hits"):
                errors.append(f"{answer.status} {str(data)[:200]}")
            elif adding:
                kept.extend(data["events"])

    threads = [threading.Thread(target=client, args=(number,)) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = {kind: sorted(some) for kind, some in times.items()}
    return {"times": taken, "kept": kept, "errors": len(errors), "first": errors[:3]}


JSON = {"Content-Type": "application/json"}


def connected(address: str) -> HTTPConnection:
    parts = urlsplit(address)
    return HTTPConnection(parts.hostname or "", parts.port, timeout=60)


if __name__ == "__main__":
    main()
