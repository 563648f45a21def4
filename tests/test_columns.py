"""The columns beside the file: they follow it, whoever writes, and whatever happens to them nothing is lost."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

import remanence
from remanence.embed.hashing import Hashing
from remanence.local import Local
from remanence.records import Event, Scope, utc
from remanence.store import view
from remanence.store.columns import ColumnFile, Head, encode, sign_bits
from soundness import check

START = utc("2024-05-01")


@pytest.fixture(autouse=True)
def small_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "TAIL", 8)


def opened(path: Path) -> Local:
    return remanence.open(path, embed="hashing")


def fill(memory: Local, n: int, first: int = 0, session: str = "s", user: str = "") -> None:
    memory.add_many(
        Event(f"turn {i} is about topic{i % 7}", START + timedelta(minutes=i), session=session, scope=Scope(user=user))
        for i in range(first, first + n)
    )
    memory.status()  # catches up


def answers(memory: Local) -> list[tuple[str, float]]:
    hits = memory.search("what about topic3 and topic5?", k=20, now="2025-01-01")
    return [(hit.id, round(hit.score, 4)) for hit in hits]


def folder(memory: Local) -> Path:
    return memory.store.view.columns.folder


def parts(memory: Local) -> tuple[int, int]:
    columns = memory.store.view.columns
    return len(columns.file["row"]), len(columns.tail["row"])


def test_rows_go_to_the_files_when_enough_wait(tmp_path: Path) -> None:
    with opened(tmp_path / "m.db") as memory:
        fill(memory, 7)
        assert parts(memory) == (0, 7)
        fill(memory, 3, first=7)
        assert parts(memory) == (10, 0)
        fill(memory, 4, first=10)
        assert parts(memory) == (10, 4)
        check(memory)
    with opened(tmp_path / "m.db") as memory:
        memory.status()
        assert parts(memory) == (10, 4)
        check(memory)


def test_a_column_in_two_parts_reads_as_one(tmp_path: Path) -> None:
    with opened(tmp_path / "m.db") as memory:
        fill(memory, 9)
        fill(memory, 5, first=9)
        columns = memory.store.view.columns
        rows = columns.column("row")
        assert rows.tolist() == list(range(1, 15))
        some = np.array([13, 0, 8, 9, 3])
        assert columns.take("row", some).tolist() == rows[some].tolist()
        assert columns.positions(np.array([14, 1, 99, 10, 0, -5])).tolist() == [13, 0, -1, 9, -1, -1]
        bits = columns.take("bits", np.array([11]))[0]
        differ = [bin(int((word ^ bits)[0])).count("1") for word in columns.column("bits")]
        assert columns.hamming(bits).tolist() == differ


def test_two_stores_append_in_turn(tmp_path: Path) -> None:
    with opened(tmp_path / "m.db") as one, opened(tmp_path / "m.db") as other:
        for i in range(0, 120, 6):
            fill(one if i % 12 else other, 6, first=i)
            if i % 5 == 0:
                check(one)
                check(other)
        assert answers(one) == answers(other)
        assert parts(one)[0] >= 100
        assert sum(parts(one)) == sum(parts(other)) == 120


def test_nothing_is_appended_while_another_writes(tmp_path: Path) -> None:
    with opened(tmp_path / "m.db") as memory, closing(sqlite3.connect(tmp_path / "m.db", isolation_level=None)) as db:
        fill(memory, 5)
        with opened(tmp_path / "m.db") as other:
            fill(other, 5, first=5)
        db.execute("BEGIN IMMEDIATE")
        shutil.rmtree(folder(memory))
        memory.status()
        assert parts(memory) == (0, 10), "they wait in memory"
        assert len(answers(memory)) == 10
        db.execute("ROLLBACK")
        fill(memory, 1, first=10)
        assert parts(memory) == (11, 0)
        check(memory)


HARM = {
    "the folder is gone": lambda at: shutil.rmtree(at),
    "everything beside the file is gone": lambda at: shutil.rmtree(at.parent),
    "no head": lambda at: (at / "head.json").unlink(),
    "an empty head": lambda at: (at / "head.json").write_text(""),
    "a head of noise": lambda at: (at / "head.json").write_bytes(b"\xff\x00{]"),
    "a head of another kind": lambda at: (at / "head.json").write_text("[1, 2]"),
    "a head that lacks a field": lambda at: (at / "head.json").write_text('{"rows": 5}'),
    "a head that says too much": lambda at: said(at, rows=10**12),
    "a head beyond all numbers": lambda at: said(at, rows=10**30),
    "a head below nothing": lambda at: said(at, rows=-4),
    "a head of another past": lambda at: said(at, origin="ab" * 16),
    "a head whose last row is not there": lambda at: said(at, rows=10),
    "a column is missing": lambda at: (at / "place.bin").unlink(),
    "a column is cut short": lambda at: cut(at / "codes.bin", 100),
    "a column is empty": lambda at: cut(at / "row.bin", 0),
    "a power cut left zeros at the end": lambda at: (cut(at / "codes.bin", 64 * 16), cut(at / "codes.bin", 64 * 20)),
    "a column is too long": lambda at: lengthen(at / "at.bin"),
    "a folder stands where the head was": lambda at: ((at / "head.json").unlink(), (at / "head.json").mkdir()),
}


def said(at: Path, **other: object) -> None:
    head = json.loads((at / "head.json").read_text()) | other
    (at / "head.json").write_text(json.dumps(head))


def lengthen(path: Path) -> None:
    with path.open("ab") as out:
        out.write(b"half a row that a crash left")


def cut(path: Path, size: int) -> None:
    data = path.read_bytes()
    path.unlink()  # as a new file: shortening a mapped one kills the process that maps it
    path.write_bytes(data[:size].ljust(size, b"\0"))


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("while_open", [False, True], ids=["closed", "open"])
def test_whatever_happens_to_them_the_answers_stay(tmp_path: Path, harm: str, while_open: bool) -> None:
    memory = opened(tmp_path / "m.db")
    fill(memory, 20)
    before, at = answers(memory), folder(memory)
    assert parts(memory) == (20, 0)
    if not while_open:
        memory.close()
    HARM[harm](at)
    if not while_open:
        memory = opened(tmp_path / "m.db")
    with memory:
        assert answers(memory) == before
        fill(memory, 30, first=20)
        check(memory)
        assert harm.startswith("a folder") or parts(memory) == (50, 0)
        fill(memory, 3, first=50)
        now = answers(memory)
        with opened(tmp_path / "m.db") as again:
            assert answers(again) == now
            check(again)


def test_a_file_where_the_folder_should_be_costs_nothing_but_memory(tmp_path: Path) -> None:
    (tmp_path / "m.db-columns").write_text("in the way")
    with opened(tmp_path / "m.db") as memory:
        fill(memory, 30)
        assert parts(memory) == (0, 30)
        check(memory)
        memory.add("the lock was let go of")
        check(memory)


def no_room(_: object) -> None:
    raise OSError(28, "no space left on device")


def test_a_full_disk_costs_nothing_but_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path / "m.db") as memory:
        fill(memory, 10)
        with monkeypatch.context() as full:
            full.setattr("remanence.store.columns.np.ascontiguousarray", no_room)
            fill(memory, 20, first=10)
            assert parts(memory) == (10, 20)
            check(memory)
        fill(memory, 1, first=30)
        assert parts(memory) == (31, 0)
        check(memory)


def test_a_backup_put_back_does_not_see_what_came_after_it(tmp_path: Path) -> None:
    """The columns of the lost rows are still there, and new records get their row numbers."""
    path = tmp_path / "m.db"
    with opened(path) as memory:
        fill(memory, 10)
    backup = path.read_bytes()
    with opened(path) as memory:
        fill(memory, 30, first=500)
    path.write_bytes(backup)
    with opened(path) as memory:
        check(memory)
        fill(memory, 45, first=1000)
        check(memory)
    with opened(path) as memory:
        check(memory)


def test_another_past_is_known_though_it_ends_in_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with opened(path) as memory:
        fill(memory, 5)
    backup = path.read_bytes()
    for first in (100, 200):
        path.write_bytes(backup)
        with opened(path) as memory:
            memory.add_many([Event(f"turn {first + i}", START) for i in range(9)] + [Event("the last", START)])
            memory.status()
            assert parts(memory) == (15, 0)
            check(memory)


def test_files_that_hold_less_than_we_know_are_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody removed the folder, and another process was stopped after its first rows."""
    with opened(tmp_path / "m.db") as memory:
        fill(memory, 40)
        assert parts(memory) == (40, 0)
        shutil.rmtree(folder(memory))
        with monkeypatch.context() as stopped:
            stopped.setattr(view, "AT_ONCE", 8)
            whole = ColumnFile.flush
            stopped.setattr(
                ColumnFile, "flush", lambda self, *a, **k: no_room(0) if len(self) > 8 else whole(self, *a, **k)
            )
            with opened(tmp_path / "m.db") as other:
                assert parts(other) == (8, 32)
        fill(memory, 9, first=40)
        assert parts(memory) == (49, 0)
        check(memory)


def test_a_reader_without_the_right_to_write_leaves_the_folder_alone(tmp_path: Path) -> None:
    with opened(tmp_path / "m.db") as memory:
        fill(memory, 20)
        at, before = folder(memory), answers(memory)
        cut(at / "codes.bin", 10)
        files = {file.name: file.read_bytes() for file in at.iterdir()}
        with remanence.open(tmp_path / "m.db", embed="hashing", read_only=True) as reader:
            assert answers(reader) == before
            fill(memory, 5, first=20)
            assert len(list(reader.records())) == 25
        assert {file.name: file.read_bytes() for file in at.iterdir()} == files


def test_embedding_anew_and_erasing_leave_one_folder(tmp_path: Path) -> None:
    with opened(tmp_path / "m.db") as memory:
        fill(memory, 10, user="ana")
        fill(memory, 10, first=10, user="ben")
        before = folder(memory)
        memory.store.reembed(Hashing(128))
        fill(memory, 1, first=20)
        assert [folder(memory)] == list(before.parent.iterdir()) != [before]
        memory.erase(user="ana")
        assert [folder(memory)] == list(before.parent.iterdir())
        check(memory)


def test_codes_and_bits_say_what_the_vectors_say() -> None:
    vectors = np.random.default_rng(0).normal(size=(500, 72)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[7] = 0
    part = encode(vectors)
    close = part["codes"].astype(np.float32) * part["scale"][:, None]
    assert np.abs(close @ vectors[0] - vectors @ vectors[0]).max() < 0.005
    assert part["bits"].shape == (500, 2)
    unpacked = np.unpackbits(sign_bits(vectors).view(np.uint8), axis=1)[:, :72]
    assert np.array_equal(unpacked.astype(bool), vectors > 0)


def test_remapping_drops_only_the_tail_rows_that_are_in_the_files(tmp_path: Path) -> None:
    def rows(first: int, n: int) -> dict[str, np.ndarray]:
        numbers = np.arange(first, first + n)
        plain = {name: numbers.astype(kind) for name, (kind, shape) in mine.types.items() if not shape}
        return plain | encode(np.ones((n, 8), dtype=np.float32))

    mine, theirs = ColumnFile(tmp_path, "x", 8), ColumnFile(tmp_path, "x", 8)
    mine.grow(rows(1, 5))
    theirs.grow(rows(1, 3))
    theirs.flush("aa", append=False)
    assert mine.head() == Head(3, 3, "aa")
    assert mine.remap(Head(3, 3, "aa"), rows(3, 1))
    assert (mine.file["row"].tolist(), mine.tail["row"].tolist()) == ([1, 2, 3], [4, 5])
    mine.flush("bb", append=True)
    assert theirs.remap(Head(5, 5, "bb"), rows(5, 1))
    assert theirs.column("row").tolist() == [1, 2, 3, 4, 5]
    assert not theirs.remap(Head(5, 5, "bb"), rows(4, 1)), "the last row is another one"
