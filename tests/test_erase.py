"""What is erased is in no table, no index, no log and no page; what is not erased is as it was."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

import remanence
from remanence.errors import BadConfig, BadInput, Locked
from remanence.local import Local
from remanence.records import Event, Op, Record, Scope, Source, add, utc
from remanence.store import view
from soundness import check

START = utc("2024-05-01")
# One word for each place where a person's words may be kept. Their stems are cut from the end, never from the middle.
SECRET = {
    "text": "qvzkwelling", "speaker": "xjbdrumpf", "role": "gwcvnurser", "session": "kzpfhiding", "user": "bqxmtanabel",
    "agent": "vjxklagent", "run": "wzzqprun", "app": "zkkvtapp", "key": "hqqjzmetakey", "value": "pxxvwvalues",
    "fact": "jwwxkmarried", "searched": "mkkqzkeyed", "kind_meta": "dxxqwinside", "relation": "fvvkqloves",
    "why": "nzzxjbecause",
}  # fmt: skip


def core(word: str) -> bytes:
    return word[:7].encode()


def secret_events() -> list[Event]:
    s, scope = SECRET, Scope(SECRET["user"], SECRET["agent"], SECRET["run"], SECRET["app"])
    return [
        Event(
            f"I am {s['text'].capitalize()} the {i}th, and nobody knows {'it ' * (i % 5)}.",
            START + timedelta(hours=i),
            speaker=s["speaker"].title(),
            role=s["role"],
            session=s["session"],
            scope=scope,
            meta={s["key"]: [s["value"], i]},
        )
        for i in range(60)
    ]


def other_events(user: str = "ben") -> list[Event]:
    return [
        Event(f"Ben says that bread number {i} is good.", START + timedelta(hours=i), "Ben", scope=Scope(user))
        for i in range(60)
    ]


def fill(memory: Local) -> None:
    """Two people by turns, records derived from what the first one said, and a log of what happened to them."""
    pairs = zip(secret_events(), other_events(), strict=True)
    memory.add_many(event for pair in pairs for event in pair)
    said, s = secret_events()[0], SECRET
    facts = [
        Record("fact", f"They were {s['fact']} {i}.", START, (Source(said.id, 0, 4),), key=f"{s['searched']} {i}",
               speaker=s["speaker"].title(), session=s["session"], scope=said.scope, meta={"in": s["kind_meta"]})
        for i in range(3)
    ]  # fmt: skip
    bread = next(record.id for record in memory.records(user="ben"))
    memory.store.apply([add(fact, s["why"]) for fact in facts], by="test")
    memory.store.apply([Op("supersede", facts[0].id, facts[1].id, why=s["why"])])
    memory.store.apply([Op("link", bread, facts[1].id, s["relation"], 0.5), Op("strengthen", facts[1].id, value=2.0)])
    memory.store.apply([Op("merge", facts[1].id, facts[2].id)])
    memory.search("nobody knows bread", k=5)
    memory.forget(next(record.id for record in memory.records(user=s["user"], kinds="turn")))


def traces(folder: Path, memory: Local, what: list[bytes]) -> list[str]:
    """Which of these bytes are in which file, and which words a query of the tables finds."""
    found = [
        f"{secret!r} in {file.name}"
        for file in folder.rglob("*")
        if file.is_file()
        for secret in what
        if secret in (data := file.read_bytes()) or secret in data.lower()
    ]
    tables = [name for (name,) in memory.store.reader.execute("SELECT name FROM sqlite_master WHERE sql IS NOT NULL")]
    for table in tables:
        if not memory.store.reader.execute(
            "SELECT type = 'index' FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()[0]:
            rows = str(memory.store.reader.execute(f"SELECT * FROM {table}").fetchall()).lower()
            found += [f"{secret!r} in table {table}" for secret in what if secret.isascii() and secret.decode() in rows]
    return found


def marks(memory: Local) -> list[bytes]:
    """The secret words, and the vectors, codes and hashes of what was said."""
    columns, records = memory.store.view.columns, list(memory.records(user=SECRET["user"]))
    rows = memory.store.rows_of([record.id for record in records])
    vectors = [vector.tobytes() for vector in memory.store.vectors(rows).astype(np.float16)]
    places = columns.positions(rows)
    codes = [code.tobytes() for code in columns.take("codes", places[places < len(columns.file["row"])])]
    ids = [record.id for record in records] + [event.id for event in secret_events()]
    hashes = [bytes.fromhex(id) for id in ids] + [id.encode() for id in ids]
    return [*map(core, SECRET.values()), *vectors, *codes, *hashes]


@pytest.fixture(params=["ON", "OFF"], ids=["zeros over what is deleted", "old pages left"])
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """SQLite may write zeros over what it deletes; erasing must not depend on it alone, nor on what follows it."""
    monkeypatch.setattr(view, "TAIL", 50)
    with remanence.open(tmp_path / "m.db", embed="hashing") as opened:
        opened.store.writer.execute(f"PRAGMA secure_delete = {request.param}")
        fill(opened)
        yield opened


def test_no_byte_of_an_erased_user_is_left(memory: Local, tmp_path: Path) -> None:
    memory.status()
    secrets = marks(memory)
    before = traces(tmp_path, memory, secrets)
    for secret in secrets:
        if len(secret) != 32 or not secret.isalnum():  # an id as text is nowhere
            assert any(repr(secret) in trace for trace in before), f"{secret!r} cannot be found where it is"
    bread = [hit.id for hit in memory.search("good bread", k=60, user="ben")]
    assert memory.erase(user=SECRET["user"]) == 60
    assert traces(tmp_path, memory, secrets) == []
    memory.search("anything that fills the columns again")
    assert traces(tmp_path, memory, secrets) == []
    assert [hit.id for hit in memory.search("good bread", k=60, user="ben")] == bread
    assert len(list(memory.events())) == len(list(memory.records())) == 60
    check(memory)
    memory.close()
    assert [
        file.name for file in tmp_path.rglob("*") if any(s in file.read_bytes() for s in secrets if file.is_file())
    ] == []


@pytest.mark.parametrize(
    ("which", "count"),
    [
        ({"sessions": SECRET["session"]}, 60),
        ({"between": (START + timedelta(hours=10), START + timedelta(hours=20))}, 20),
        ({"user": "ben", "as_of": START + timedelta(hours=3)}, 4),
        ({"speakers": ("Ben",), "between": (START, START + timedelta(hours=3))}, 3),
        ({"meta": {SECRET["key"]: [SECRET["value"], 7]}}, 1),
        ({"user": "nobody"}, 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_a_part_is_erased_and_the_rest_stays(memory: Local, tmp_path: Path, which: dict, count: int) -> None:
    gone = {event.id: event for event in memory.events(**which)}
    derived = [r.id for r in memory.store.read(range(1, 200)).values() if {s.event for s in r.sources} & gone.keys()]
    left = {event.id for event in memory.events()} - gone.keys()
    assert memory.erase(dry_run=True, **which) == count
    assert {event.id for event in memory.events()} == left | gone.keys()
    assert memory.erase(**which) == count
    assert {event.id for event in memory.events()} == left
    assert traces(tmp_path, memory, [bytes.fromhex(id) for id in [*gone, *derived]]) == []
    assert all(source.event in left for r in memory.store.read(range(1, 200)).values() for source in r.sources)
    check(memory)


def test_everything_is_erased_and_the_memory_can_be_used(memory: Local, tmp_path: Path) -> None:
    secrets = [*marks(memory), b"bread", b"Ben"]
    assert memory.erase(everything=True) == 120
    assert traces(tmp_path, memory, secrets) == []
    assert list(memory.events()) == list(memory.records()) == memory.search("bread") == []
    memory.add("A new life begins.", at="2024-06-01")
    assert memory.search("new life")[0].text == "A new life begins."
    check(memory)


def test_the_log_says_that_something_was_erased_and_not_what(memory: Local) -> None:
    memory.erase(user=SECRET["user"])
    log = memory.history()
    assert (log[-1].kind, log[-1].value, log[-1].record) == ("erase", 60, "")
    assert {op.record for op in log[:-1]} == {record.id for record in memory.records()}
    with pytest.raises(BadInput, match="cannot be undone: what it changed was erased"):
        memory.undo(log[-1].id)
    memory.erase(user="nobody")
    assert memory.history() == log


def test_another_process_that_has_the_file_open_brings_nothing_back(memory: Local, tmp_path: Path) -> None:
    """It holds rows of the erased in memory, and is about to append them to the columns."""
    script = """
import sys, remanence
from remanence.store import view
view.TAIL = 10**6
memory = remanence.open(sys.argv[1], embed="hashing")
print(len(memory.search("nobody knows", k=100, kinds="turn")), flush=True)
input()
view.TAIL = 1
hits = memory.search("nobody knows", k=100)
print(len(hits), {hit.record.scope.user for hit in hits}, len(list(memory.records())), flush=True)
input()
"""
    secrets = marks(memory)
    command = [sys.executable, "-c", script, str(tmp_path / "m.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin and other.stdout
        assert other.stdout.readline() == "100\n"
        memory.erase(user=SECRET["user"])
        assert traces(tmp_path, memory, secrets) == []
        print(file=other.stdin, flush=True)
        assert other.stdout.readline() == "60 {'ben'} 60\n"
        assert traces(tmp_path, memory, secrets) == []
        print(file=other.stdin, flush=True)
    assert other.returncode == 0
    assert traces(tmp_path, memory, secrets) == []


def test_columns_of_before_are_not_written_after(memory: Local, tmp_path: Path) -> None:
    """A reader whose look at the file is older than the erasure wants to append what it saw."""
    secrets = marks(memory)
    with remanence.open(tmp_path / "m.db", embed="hashing") as slow, slow.store._read():
        slow.store.view.columns.folder.mkdir(parents=True, exist_ok=True)
        memory.store.writer.execute("PRAGMA busy_timeout = 100")
        with pytest.raises(Locked, match="another process still reads older pages; close it and erase again"):
            memory.erase(user=SECRET["user"])
        slow.store.view._flush()
        assert not list(slow.store.view.columns.folder.glob("*.bin"))
    memory.erase(user=SECRET["user"])
    assert traces(tmp_path, memory, secrets) == []


def test_what_the_erased_had_replaced_holds_again(tmp_path: Path) -> None:
    with remanence.open(tmp_path / "m.db", embed="hashing") as memory:
        mine, yours = memory.add("Mine.", at=START, user="ana"), memory.add("Yours.", at=START, user="ben")
        old = [Record("fact", f"Old {i}.", START, (Source(yours.id, 0, 5),), valid_to=None) for i in range(5)]
        brief = Record("fact", "Brief.", START, (Source(yours.id, 0, 5),), valid_to=utc("2999-01-01"))
        new = [Record("fact", f"New {i}.", START, (Source(mine.id, 0, 4),)) for i in range(2)]
        memory.store.apply([add(record) for record in (*old, brief, *new)])
        memory.store.apply([Op("supersede", old[0].id, new[0].id), Op("merge", old[1].id, new[0].id)])
        memory.store.apply([Op("supersede", brief.id, new[0].id), Op("supersede", new[0].id, new[1].id)])
        memory.store.apply([Op("supersede", old[2].id, new[0].id), Op("expire", old[2].id)])
        memory.store.apply([Op("supersede", old[3].id, new[0].id), Op("supersede", old[3].id, old[4].id)])
        memory.undo(memory.store.apply([Op("supersede", old[4].id, new[0].id)])[0].id)
        memory.erase(user="ana")
        held = {record.text: record for record in memory.records(kinds="fact")}
        assert held.keys() == {"Old 0.", "Old 1.", "Old 4.", "Brief."}, "2 was forgotten for itself, 3 replaced by 4"
        assert all(record.superseded_by == "" for record in held.values())
        assert held["Brief."].valid_to == brief.valid_to
        assert memory.get(old[3].id).superseded_by == old[4].id
        check(memory)


def test_nothing_in_the_process_remembers_what_was_erased(memory: Local) -> None:
    """What was recalled and comes back is no new memory; but once erased it was never there."""
    said = memory.search("nobody knows", k=1, user=SECRET["user"])[0].text
    memory.erase(user=SECRET["user"])
    memory.add(said, at="2024-06-01", channel="assistant", user="carl")
    assert [record.text for record in memory.records(user="carl")] == [said]


def test_what_to_erase_must_be_said(memory: Local) -> None:
    for which in ({}, {"user": ""}, {"sessions": []}, {"user": "", "meta": {}}):
        with pytest.raises(BadInput, match="say what to erase"):
            memory.erase(**which)
    with pytest.raises(BadInput, match="everything=True alone"):
        memory.erase(everything=True, user="ben")
    with pytest.raises(BadInput, match="user must be text, got None"):
        memory.erase(user=None)
    with pytest.raises(BadInput, match="they have no kind"):
        memory.erase(kinds="fact")
    with pytest.raises(BadConfig, match=r"no filter 'session'\. Did you mean 'sessions'\?"):
        memory.erase(session="x")
    assert len(list(memory.events())) == 120
