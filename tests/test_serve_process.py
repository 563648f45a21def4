"""`remanence serve` and `remanence keys` as people run them: real processes, real sockets."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
import httpx2

import remanence
from remanence.plain import event_of
from remanence.serve.running import PATIENCE_S, _bound

STARTED_S = 20.0  # generous: what it takes is measured by benchmarks/serve_load.py
SAID = {"text": "I keep bees.", "user": "ana"}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "remanence", *words]


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REMANENCE_HOME", str(tmp_path))
    monkeypatch.setenv("REMANENCE_EMBED", "hashing")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def served(*words: str) -> Iterator[tuple["subprocess.Popen[str]", httpx2.Client]]:
    process = subprocess.Popen(command("serve", "--port", "0", *words), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        with httpx2.Client(base_url=found[0], timeout=30) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_it_is_ready_soon_on_a_large_memory(env: Path) -> None:
    with remanence.open(env / "memory.db", embed="hashing", method="words") as memory:
        memory.add_many(
            event_of(f"Note {n} about bees.", at="2024-05-01", session=f"day {n // 50}") for n in range(10_000)
        )
    begun = time.monotonic()
    with served() as (_, client):
        assert client.get("/readyz").status_code == 200
        assert time.monotonic() - begun < STARTED_S
        assert client.get("/v1/status").json()["events"] == 10_000


def test_the_second_half_of_an_answer_does_not_wait_for_the_first_to_be_acknowledged() -> None:
    with _bound("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_stop_waits_for_what_is_asked_and_ends_what_would_not(env: Path) -> None:
    with served() as (process, client):
        answers: list[int] = []
        writing = threading.Event()

        def write() -> None:
            for n in range(1000):
                try:
                    answers.append(client.post("/v1/memories", json=SAID | {"text": f"Note {n}."}).status_code)
                except httpx2.TransportError:
                    return
                writing.set()

        thread = threading.Thread(target=write)
        with client.stream("GET", "/v1/stream") as stream:
            lines = stream.iter_lines()  # held: one that is let go of closes the stream
            assert next(lines).startswith(": from operation")
            thread.start()
            assert writing.wait(STARTED_S)
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)  # the stream was not waited for
        thread.join()
    assert set(answers) == {201}
    with remanence.open(env / "memory.db") as memory:
        assert memory.status()["events"] in (len(answers), len(answers) + 1)  # one may have been kept unheard
        assert memory.status()["pending"] == 0


def test_beyond_this_machine_it_does_not_begin_without_a_key(env: Path) -> None:
    refused = subprocess.run(command("serve", "--host", "0.0.0.0"), capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1 and "there is no key" in refused.stderr


def test_an_address_that_is_taken_is_said(env: Path) -> None:
    with served() as (_, client):
        taken = str(client.base_url.port)
        refused = subprocess.run(command("serve", "--port", taken), capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1 and f"127.0.0.1:{taken}" in refused.stderr


def test_a_key_is_shown_once_and_known_at_once(env: Path) -> None:
    def keys(*words: str) -> str:
        return subprocess.run(command("keys", *words), capture_output=True, text=True, timeout=60, check=True).stdout

    with served() as (_, client):
        assert client.get("/v1/events").status_code == 200
        secret = keys("make", "laptop", "--right", "write", "--user", "ana").strip()
        assert client.get("/v1/events").status_code == 401
        own = {"Authorization": f"Bearer {secret}"}
        assert client.post("/v1/memories", json=SAID, headers=own).status_code == 201
        (listed,) = json.loads(keys("list", "--json"))["data"]["keys"]
        assert listed["user"] == "ana" and listed["used"] and secret not in json.dumps(listed)
        other = keys("rotate", listed["id"]).strip()
        assert other != secret
        assert [client.get("/v1/events", headers={"X-API-Key": one}).status_code for one in (secret, other)] == [
            200,
            200,
        ]
        keys("revoke", listed["id"])
        assert [client.get("/v1/events", headers={"X-API-Key": one}).status_code for one in (secret, other)] == [
            401,
            401,
        ]
