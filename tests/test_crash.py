"""An acknowledged write survives `kill -9`, and so does everything else the file promises."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import remanence
from remanence.embed.hashing import Hashing
from remanence.local import Local
from soundness import check, everything_is_derived

SETUP = """
import os, random, signal, sys
import remanence
from remanence.embed.hashing import Hashing
from remanence.records import Event, Scope, utc
from remanence.store import view
path, name, dim = sys.argv[1], sys.argv[2], int(sys.argv[3])
chance = random.Random(name)
view.TAIL = 16
memory = remanence.open(path, embed=Hashing(dim))
count = 0

def event(user):
    global count
    count += 1
    return Event(f"Turn {count} of {user}: {chance.random()}", utc("2024-05-01"), session="s", scope=Scope(user=user))

def say(what, user, events=()):
    print(what, user, *(e.id for e in events), flush=True)

def die_at(step):
    def call(*_):
        global steps
        steps += 1
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)
    global steps
    steps = 0
    return call
"""
LOAD = """
say("ready", "")
while True:
    user = f"{name}-{count}"
    for _ in range(chance.randint(1, 8)):
        some = [event(user) for _ in range(chance.choice([1, 1, 1, 5, 40]))]
        memory.add_many(some)
        say("kept", user, some)
    memory.search("Turn 3", k=3)
    what = chance.random()
    if what < 0.15:
        say("erasing", user)
        memory.erase(user=user)
        say("erased", user)
    elif what < 0.25:
        memory.rebuild()
    elif what < 0.35:
        dim = 192 - dim
        memory.store.reembed(Hashing(dim))
    elif what < 0.6:
        op, = memory.forget(memory.search("Turn", k=1)[0].id)
        memory.undo(op.id)
"""


def start(script: str, path: Path, name: str = "x") -> subprocess.Popen[str]:
    args = [sys.executable, "-c", SETUP + script, str(path), name, str(dim_of(path))]
    return subprocess.Popen(args, stdout=subprocess.PIPE, text=True)


def dim_of(path: Path) -> int:
    """The width of the vectors the file holds just now."""
    if not path.exists():
        return 64
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT value FROM setting WHERE key = 'dim'").fetchone()[0])


def open_again(path: Path) -> Local:
    return remanence.open(path, embed=Hashing(dim_of(path)))


def acknowledged(lines: list[str]) -> tuple[set[str], set[str], set[str]]:
    """Events that must be there, that may be, and users that must not."""
    kept: dict[str, list[str]] = {}
    gone, unsure = set(), set()
    for line in lines:
        what, user, *ids = line.split()
        if what == "kept":
            kept.setdefault(user, []).extend(ids)
        elif what == "erasing":
            unsure.add(user)
        elif what == "erased":
            gone.add(user)
    must = {id for user, ids in kept.items() if user not in unsure for id in ids}
    return must, {id for user, ids in kept.items() if user in unsure - gone for id in ids}, gone


def kill_under_load(path: Path, round_: int, chance: random.Random) -> tuple[set[str], set[str], set[str]]:
    with start(LOAD, path, f"{round_}.{chance.random()}") as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("ready")
        time.sleep(chance.random() ** 2)
        child.kill()
        lines = child.stdout.read().splitlines()
    return acknowledged([line for line in lines if line.startswith(("kept", "eras"))])


@pytest.mark.parametrize("rounds", [6, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_killed_under_load_nothing_acknowledged_is_lost(tmp_path: Path, rounds: int) -> None:
    path, chance, must = tmp_path / "m.db", random.Random(rounds), set[str]()
    for round_ in range(rounds):
        kept, _, gone = kill_under_load(path, round_, chance)
        must |= kept
        with open_again(path) as memory:
            check(memory)
            memory.derive()  # after a rebuild that was cut short
            check(memory)
            everything_is_derived(memory)
            held = {event.id: event.scope.user for event in memory.events()}
            assert must <= held.keys()
            assert not gone & set(held.values())
            if kept:
                text = memory.get(min(kept)).text
                assert memory.search(text, k=1)[0].text == text


@pytest.mark.parametrize("step", [*range(1, 14, 4), *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 40))])
def test_killed_while_columns_are_written(tmp_path: Path, step: int) -> None:
    """Twelve columns are written one after the other; the last of them half."""
    path = tmp_path / "m.db"
    script = f"""
from remanence.store import columns
whole, die = columns.np.ascontiguousarray, die_at({step})
columns.np.ascontiguousarray = lambda a: (die(), whole(a) if steps < {step - 1} else whole(a)[: len(a) // 2])[1]
while True:
    memory.add_many(some := [event("ana")])
    memory.search("Turn", k=1)
    say("kept", "ana", some)
"""
    with start(script, path) as child:
        assert child.stdout is not None
        kept = {line.split()[2] for line in child.stdout.read().splitlines()}
    assert child.returncode == -signal.SIGKILL
    with open_again(path) as memory:
        check(memory)
        for _ in range(3):
            memory.add_many([remanence.Event(f"more {os.urandom(4).hex()}", e.at) for e in memory.events()])
            check(memory)
        assert kept <= {event.id for event in memory.events()}


BIG = """
view.TAIL = 1 << 30
memory.add_many([event(("ana", "ben")[i % 2]) for i in range(900)])
"""


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_killed_while_erasing_it_can_be_done_again(tmp_path: Path, step: int) -> None:
    path = tmp_path / "m.db"
    with start(f"{BIG}\nmemory.erase(user='ana', progress=die_at({step}))", path) as child:
        pass
    assert child.returncode == -signal.SIGKILL
    with open_again(path) as memory:
        check(memory)
        left = {event.scope.user for event in memory.events()}
        assert left == ({"ana", "ben"} if step == 1 else {"ben"})  # the first word is said inside the transaction
        memory.erase(user="ana")
        check(memory)
        assert len(list(memory.records())) == 450
    assert b"of ana" not in b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())


def test_killed_while_rebuilding_the_rest_is_derived_later(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    script = f"{BIG}\nimport remanence.local as m\nm.BATCH = 100\nmemory.rebuild(progress=die_at(4))"
    with start(script, path) as child:
        pass
    assert child.returncode == -signal.SIGKILL
    with open_again(path) as memory:
        check(memory)
        assert memory.status()["pending"] == 500
        assert memory.derive() == 500
        check(memory)
        everything_is_derived(memory)


def test_killed_while_embedding_anew_the_old_vectors_stay(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with start(f"{BIG}\nmemory.store.reembed(Hashing(128), progress=die_at(3))", path) as child:
        pass
    assert child.returncode == -signal.SIGKILL
    assert dim_of(path) == 64
    with open_again(path) as memory:
        check(memory)
        assert memory.search("Turn 7 of ana", k=1)[0].score > 0
