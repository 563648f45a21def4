"""Many processes and many threads share one memory: nothing is lost, nothing comes twice, nothing is seen half done."""

import json
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import remanence
from remanence.embed.hashing import Hashing
from remanence.errors import OtherMethod, StoreError
from remanence.records import Event, Op, Scope, utc
from remanence.store.sqlite import SQLite
from soundness import check, everything_is_derived

SETUP = """
import json, random, sys, time
import remanence
from remanence.records import Event, Op, Scope, utc
from remanence.store import view
path, number, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
view.TAIL = 32
chance = random.Random(number)
memory = remanence.open(path, embed="hashing")
end = time.monotonic() + seconds
"""
WRITER = """
kept, i = [], 0
while time.monotonic() < end:
    some = []
    for _ in range(chance.choice([1, 1, 1, 10])):
        i += 1
        some.append(Event(f"Turn t{i}n%s is about tea.", utc("2024-05-01"), session="s", scope=Scope(user="ana")))
    memory.add_many(some)
    kept += [event.id for event in some]
    if chance.random() < 0.2:
        memory.search(f"Turn t{i}n{number}", k=3)
print(json.dumps(kept))
"""
READER = """
looks, before = 0, 0
while time.monotonic() < end:
    store = memory.store
    records = list(memory.records())
    assert len(records) >= before, f"{len(records)} after {before}"
    before = len(records)
    rows = store.rows_of([record.id for record in records[-40:]])
    assert store.vectors(rows).any(axis=1).all(), "a record without its vector"
    if records:
        last = records[-1]
        found = memory.search(last.text, k=5)
        assert found and found[0].text == last.text, (last.text, [hit.text for hit in found])
        assert found[0].why.get("words"), "a record without its words"
        assert memory.get(last.sources[0].event).text == last.text
    looks += 1
print(json.dumps(looks))
"""
SLOW = [3.0, pytest.param(20.0, marks=pytest.mark.slow)]


def run(path: Path, scripts: list[str], seconds: float) -> list[Any]:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", SETUP + script, str(path), str(i), str(seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i, script in enumerate(scripts)
    ]
    said = [child.communicate(timeout=seconds + 120) for child in children]
    assert [err for _, err in said if err] == []
    return [json.loads(out) for out, _ in said]


@pytest.mark.parametrize("whose", ["{number}", "everybody"], ids=["each its own", "all the same"])
@pytest.mark.parametrize("seconds", SLOW)
def test_six_write_and_two_read(tmp_path: Path, seconds: float, whose: str) -> None:
    """All of them make the file at the same moment, too."""
    path = tmp_path / "m.db"
    *kept, one, two = run(path, [WRITER % whose] * 6 + [READER] * 2, seconds)
    ids = {id for some in kept for id in some}
    assert one > 0 < two
    assert all(kept)
    with remanence.open(path, embed="hashing") as memory:
        events = [event.id for event in memory.events()]
        assert len(events) == len(set(events)) == len(ids)
        assert set(events) == ids
        texts = [record.text for record in memory.records()]
        assert len(texts) == len(set(texts)) == len(ids)
        assert memory.status()["pending"] == 0
        everything_is_derived(memory)
        check(memory)


def test_a_change_of_several_parts_is_seen_whole(tmp_path: Path) -> None:
    """Each write replaces the one fact that holds by another: whoever looks sees exactly one."""
    path = tmp_path / "m.db"
    with remanence.open(path, embed="hashing") as memory:
        memory.add("What is said.", at="2024-05-01")
    writer = """
from remanence.records import Record, Source, add
event = next(memory.events())
def fact(i):
    return Record("fact", f"It is {i} now.", event.at, (Source(event.id, 0, 3),))
memory.store.apply([add(fact(0))])
i = 0
while time.monotonic() < end:
    i += 1
    memory.store.apply([add(fact(i)), Op("supersede", fact(i - 1).id, fact(i).id, at=utc("2024-05-02"))])
print(json.dumps(i))
"""
    reader = """
looks, seen = 0, 0
while time.monotonic() < end:
    facts = [record.text for record in memory.records(kinds="fact")]
    assert len(facts) == 1 or not looks, facts
    looks += len(facts)
print(json.dumps(looks))
"""
    changes, *looks = run(path, [writer, reader, reader], 1.5)
    assert changes > 10
    assert all(looks)


def test_a_file_made_by_all_at_once_has_one_identity(tmp_path: Path) -> None:
    once = 'memory.add(f"I am {number}.", at="2024-05-01"); print(json.dumps(memory.store.settings["store"]))'
    assert len(set(run(tmp_path / "m.db", [once] * 8, 0))) == 1
    with remanence.open(tmp_path / "m.db", embed="hashing") as memory:
        assert len(list(memory.events())) == 8
        everything_is_derived(memory)
        check(memory)


def test_who_comes_while_the_file_is_made_waits(tmp_path: Path) -> None:
    """The other holds the lock that SQLite does not wait for when it is to write ahead."""
    path = tmp_path / "m.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
    done.start()
    with remanence.open(path, embed="hashing") as memory:
        memory.add("I moved to Lisbon.", at="2024-05-01")
    done.join()
    other.close()


def test_who_makes_the_file_says_the_method(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with remanence.open(path, embed="hashing", method="words") as first:
        first.add("I moved to Lisbon.", at="2024-05-01")
        assert first.store.settle("hybrid") == "words"
        assert len(list(first.records())) == 1, "what was derived is not derived again"
        with remanence.open(path, embed="hashing") as other:
            assert other.name == "words"


def test_of_two_that_settle_at_once_the_first_is_right(tmp_path: Path) -> None:
    one, two = (SQLite(tmp_path / "m.db", Hashing()) for _ in range(2))
    assert (one.method, two.method) == ("", "")
    assert (one.settle("words"), two.settle("hybrid")) == ("words", "words")
    one.close()
    two.close()


def test_another_process_embeds_anew(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with remanence.open(path, embed="hashing") as memory:
        memory.add("I moved to Lisbon.", at="2024-05-01")
        with remanence.open(path, embed=Hashing(128)) as other:
            for verb in (lambda: memory.add("x", at="2024-05-01"), lambda: memory.search("Lisbon")):
                with pytest.raises(
                    StoreError, match=r"embedded anew with 'hashing-128' by another process; open it ag"
                ):
                    verb()
            assert len(list(other.events())) == 1, "nothing of what failed is kept"
            other.add("I left.", at="2024-05-02")
            check(other)


def test_another_process_rebuilds_by_another_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.db"
    with remanence.open(path, embed="hashing") as memory, remanence.open(path, embed="hashing") as other:
        memory.add("I moved to Lisbon.", at="2024-05-01")
        other.rebuild("words")
        with pytest.raises(OtherMethod, match="rebuilt by 'words' in another process; open them again"):
            memory.add("I left.", at="2024-05-02")
        assert len(list(other.events())) == 1


def in_threads(n: int, work: Any) -> None:
    wrong: list[BaseException] = []

    def guarded(i: int) -> None:
        try:
            work(i)
        except BaseException as error:  # noqa: BLE001  # reported below, in the thread that is watched
            wrong.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("distinct", [True, False], ids=["each its own", "all the same"])
def test_eight_threads_share_one_memory(tmp_path: Path, distinct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remanence.store.view.TAIL", 16)
    with remanence.open(tmp_path / "m.db", embed="hashing") as memory:

        def work(i: int) -> None:
            for j in range(12):
                memory.add(f"Turn {j} of {i if distinct else 'all'} about tea.", at="2024-05-01", user=f"u{j % 2}")
                hits = memory.search("tea", k=3, user=f"u{j % 2}")
                assert hits and all(hit.record.scope == Scope(user=f"u{j % 2}") for hit in hits)
                list(memory.records(kinds="turn"))
                if j == 6 and distinct:
                    (op,) = memory.forget(hits[0].id)[:1] or [None]  # or another thread was first
                    assert op is None or memory.undo(op.id).undoes == op.id

        in_threads(8, work)
        assert len(list(memory.events())) == (96 if distinct else 12)
        everything_is_derived(memory)
        check(memory)


def test_threads_may_write_while_a_walk_over_the_records_goes_on(tmp_path: Path) -> None:
    with remanence.open(tmp_path / "m.db", embed="hashing") as memory:
        memory.add_many(Event(f"turn {i}", utc("2024-05-01")) for i in range(1200))
        walk = memory.records()
        first = next(walk)
        in_threads(1, lambda _: memory.add("one more", at="2024-05-02"))
        assert first.text == "turn 0"
        assert sum(1 for _ in walk) == 1199, "as it was when the walk began"


def test_operations_keep_their_order_among_processes(tmp_path: Path) -> None:
    """An operation's number says when it came; what closes a record is seen by who has seen less."""
    path = tmp_path / "m.db"
    with remanence.open(path, embed="hashing") as one, remanence.open(path, embed="hashing") as two:
        one.add_many(Event(f"turn {i}", utc("2024-05-01")) for i in range(6))
        ids = [record.id for record in two.records()]
        for i, id in enumerate(ids):
            (one, two)[i % 2].store.apply([Op("expire", id)])
            assert len(list((two, one)[i % 2].records())) == 5 - i
        numbers = [op.id for op in one.history()]
        assert numbers == sorted(set(numbers))
        one.undo(numbers[-1])
        assert [record.id for record in two.records()] == ids[-1:]
