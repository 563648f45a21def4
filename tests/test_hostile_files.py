"""Files that are locked, damaged, not ours, not there or full: a clear error, and what was acknowledged stays."""

import random
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import remanence
from remanence.errors import Corrupt, DiskFull, Locked, NewerVersion, ReadOnly, RemanenceError, StoreError
from remanence.local import Local
from remanence.records import Event, Op, Scope, utc
from remanence.store import schema, view
from soundness import check, check_file, everything_is_derived

DAY = "2024-05-01"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.db"


@pytest.fixture
def memory(path: Path) -> Iterator[Local]:
    with opened(path) as made:
        made.add_many(
            Event(f"turn {i} about tea", utc(DAY), scope=Scope(f"u{i % 2}"), meta={"i": i}) for i in range(40)
        )
        yield made


def opened(path: Path, **how: bool) -> Local:
    return remanence.open(path, embed="hashing", **how)


def changes(memory: Local) -> dict[str, Callable[[], object]]:
    """Every call that writes."""
    first = next(memory.records())
    return {
        "add": lambda: memory.add("one more", at=DAY),
        "forget": lambda: memory.forget(first.id),
        "undo": lambda: memory.undo(1),
        "erase": lambda: memory.erase(user="u1"),
        "rebuild": lambda: memory.rebuild(),
        "consolidate": lambda: memory.consolidate() or memory.store.apply([]),
        "reembed": lambda: memory.store.reembed(memory.store.embedder),
    }


def all_fail(memory: Local, error: type[RemanenceError], message: str) -> None:
    """None of the calls that write does, and nothing of them is kept."""
    before = [list(memory.events()), list(memory.records()), memory.history()]
    for call in changes(memory).values():
        with pytest.raises(error, match=message):
            call()
    assert [list(memory.events()), list(memory.records()), memory.history()] == before
    assert len(memory.search("turn 7 about tea", k=3)) == 3


# -- locked ----------------------------------------------------------------------------------------------------------


def test_a_locked_file_can_be_read_and_says_that_it_is_locked(
    memory: Local, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_S", 0.1)
    monkeypatch.setattr(view, "BUSY_S", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other, opened(path) as impatient:
        other.execute("BEGIN EXCLUSIVE")
        all_fail(impatient, Locked, "another process is writing to it for more than 0 s; try again")
        with opened(path) as late:
            assert len(list(late.records())) == 40, "a file that is locked can be opened"
        other.execute("ROLLBACK")
        impatient.add("now it goes", at=DAY)
    check(memory)


# -- read only -------------------------------------------------------------------------------------------------------


def test_a_memory_opened_to_read_is_read(memory: Local, path: Path, tmp_path: Path) -> None:
    memory.status()
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and "-shm" not in file.name}
    with opened(path, read_only=True) as reader:
        all_fail(reader, ReadOnly, "was opened read-only")
        assert reader.context("tea").text
        assert reader.as_of("2030-01-01").search("tea")
        memory.add("and sees what comes", at=DAY)
        assert reader.search("sees what comes", k=1)[0].text == "and sees what comes"
        files[path.with_name("m.db-wal")] = path.with_name("m.db-wal").read_bytes()
    assert {file: file.read_bytes() for file in files} == files


def test_what_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    for path in (tmp_path / "m.db", tmp_path / "no folder" / "m.db"):
        with pytest.raises(ReadOnly, match="check that its folder exists"):
            opened(path, read_only=True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    with pytest.raises(ReadOnly, match="is empty and cannot be written to"):
        opened(tmp_path / "empty.db", read_only=True)


def test_a_file_that_was_only_begun_cannot_be_read(path: Path) -> None:
    """A process was stopped between making the tables and saying what they hold."""
    schema.connect(path).close()
    with pytest.raises(ReadOnly, match="is empty and cannot be written to"):
        opened(path, read_only=True)
    with opened(path) as memory:
        memory.add("but it can be used", at=DAY)


LOOK = """
import os, sys, remanence
from remanence.errors import ReadOnly
remanence.open(embed="hashing").close()
if os.geteuid() == 0:  # root may write everywhere: be nobody
    os.setegid(65534)
    os.seteuid(65534)
try:
    memory = remanence.open(sys.argv[1], embed="hashing")
    print(len(memory.search("turn about tea", k=5)))
    memory.add("one more", at="2024-05-01")
except ReadOnly as error:
    print(error)
"""


def test_a_file_we_may_not_write_says_so(memory: Local, path: Path, tmp_path: Path) -> None:
    memory.close()
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        done = subprocess.run([sys.executable, "-c", LOOK, path], capture_output=True, text=True, check=False)
    finally:
        tmp_path.chmod(0o755)
    assert done.stderr == ""
    assert "m.db: it cannot be" in done.stdout


# -- paths -----------------------------------------------------------------------------------------------------------


def test_a_path_that_can_be_no_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "folder" / "m.db", ""):
        with pytest.raises(StoreError, match="check that its folder exists and may be written to"):
            opened(path)
    with pytest.raises(remanence.RemanenceError, match="not a path"):
        opened(f"{tmp_path}/m\0.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "what?.db", "#1.db", "é 🙂.db", "mode=ro&x.db", "m"])
def test_any_other_name_of_a_file_is_its_name(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        with opened(tmp_path / name) as memory:
            memory.add("x", at=DAY)
    assert {file.name for file in tmp_path.iterdir()} == {name}


# -- not ours --------------------------------------------------------------------------------------------------------


def test_a_file_of_another_program_is_left_as_it_is(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE setting (key, value)")
        db.commit()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(Corrupt, match="is an SQLite file of another program; give another path"):
            opened(path, read_only=read_only)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["m.db"]


def test_a_file_of_a_newer_version_is_left_as_it_is(memory: Local, path: Path) -> None:
    memory.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(NewerVersion, match="has format 99, this Remanence reads up to 1; update Remanence"):
        opened(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "data", [b"\0" * 5000, b"SQLite format 3\0" + bytes(range(256)) * 20, b"text, just text " * 99]
)
def test_noise_is_no_memory(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(Corrupt):
        opened(path)
    assert path.read_bytes() == data


# -- damaged ---------------------------------------------------------------------------------------------------------


def use(path: Path) -> str:
    """Do everything with it; the last thing that went wrong, as it must not be said."""
    raw = ""
    try:
        memory = opened(path)
    except RemanenceError:
        return raw
    with memory:
        for call in (
            lambda: memory.search("turn 7 about tea", k=20),
            lambda: list(memory.events()),
            lambda: list(memory.records()),
            lambda: memory.search("tea", meta={"i": 3}),
            lambda: memory.history(),
            *changes_in(memory),
        ):
            try:
                call()
            except RemanenceError:
                continue
            except Exception as error:  # noqa: BLE001  # what is looked for
                raw = f"{type(error).__name__}: {error}"
    return raw


def changes_in(memory: Local) -> list[Callable[[], object]]:
    return [lambda: memory.add("one more", at=DAY), lambda: memory.erase(user="u1"), lambda: memory.rebuild()]


def begin_again(path: Path, data: bytes) -> None:
    for beside in path.parent.glob("m.db-*"):
        if beside.is_file():
            beside.unlink()
    path.write_bytes(data)


def test_half_a_file_is_damaged(memory: Local, path: Path) -> None:
    memory.close()
    data = path.read_bytes()
    begin_again(path, data[: len(data) // 2])
    with pytest.raises(Corrupt, match="it is damaged; restore a backup"), opened(path) as half:
        list(half.records())
        half.search("tea")
        half.history()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("rounds", [25, pytest.param(400, marks=pytest.mark.slow)])
def test_flipped_bytes_are_said_in_our_words(memory: Local, path: Path, rounds: int) -> None:
    ids = [record.id for record in memory.records()]
    memory.store.apply([Op("link", ids[1], ids[2], "likes"), Op("supersede", ids[3], ids[4]), Op("expire", ids[5])])
    memory.close()
    data, chance, raw = path.read_bytes(), random.Random(rounds), []
    for _ in range(rounds):
        harmed, page = bytearray(data), chance.randrange(len(data) // 4096)
        for _ in range(chance.choice([1, 8, 64])):
            harmed[page * 4096 + chance.randrange(4096)] = chance.randrange(256)
        begin_again(path, harmed)
        raw.append(use(path))
    assert sum(map(bool, raw)) <= rounds // 100, "\n".join(filter(None, raw))


HARM = {
    "a vector cut short": "UPDATE vector SET v = x'0000' WHERE id = 3",
    "a vector that is text": "UPDATE vector SET v = CAST(v AS TEXT) WHERE id = 3",
    "a vector of no numbers": f"UPDATE vector SET v = x'{'007e' * 64}' WHERE id = 3",
    "meta that is none": "UPDATE event SET meta = '{' WHERE id = 3",
    "text in no encoding": "UPDATE event SET text = CAST(x'c328' AS TEXT) WHERE id = 3",
    "a time beyond all dates": "UPDATE event SET at = 1 << 62 WHERE id = 3",
    "a record that has lost its source": "DELETE FROM source WHERE record = 3",
    "a word index without its settings": "DROP TABLE words_config",
    "no log": "DROP TABLE op",
}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_what_is_damaged_in_one_place_is_damaged(memory: Local, path: Path, harm: str) -> None:
    memory.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute(harm)
    with pytest.raises(Corrupt, match="damaged"), opened(path) as damaged:
        list(damaged.events())
        list(damaged.records())
        damaged.search("turn 3 about tea")
        damaged.history()


# -- full ------------------------------------------------------------------------------------------------------------


def test_a_full_file_keeps_what_was_acknowledged(memory: Local, path: Path) -> None:
    (pages,) = memory.store.writer.execute("PRAGMA page_count").fetchone()
    memory.store.writer.execute(f"PRAGMA max_page_count = {pages + 10}")
    kept = 40
    with pytest.raises(DiskFull, match="the disk is full; nothing of this write was kept"):
        for i in range(10_000):
            memory.add(f"filling {i}: " + "x" * 1500, at=DAY)
            kept += 1
    assert len(list(memory.events())) == len(list(memory.records())) == kept
    memory.store.writer.execute("PRAGMA max_page_count = 100000")
    memory.add("there is room again", at=DAY)
    check(memory)
    everything_is_derived(memory)


FULL = """
import resource, signal, sys, remanence
from remanence.errors import DiskFull
from remanence.store import view
view.TAIL = 8
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
memory = remanence.open(sys.argv[1], embed="hashing")
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
full = 0
for i in range(2000):
    try:
        print(memory.add(f"filling {i}: " + "x" * 1000, at="2024-05-01").id, flush=True)
        memory.search("filling", k=1)
    except DiskFull:
        full += 1
        if full == 3:
            print("full")
            break
"""


def test_a_full_disk_keeps_what_was_acknowledged(path: Path) -> None:
    """No file may grow beyond 300 kB: neither the log nor the columns."""
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False)
    *ids, last = done.stdout.split()
    assert (last, done.stderr) == ("full", "")
    check_file(path)
    with opened(path) as memory:
        assert {event.id for event in memory.events()} == set(ids)
        memory.add("there is room again", at=DAY)
        check(memory)
