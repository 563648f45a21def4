"""The verbs of a memory where something goes wrong half way: a model fails, an embedder stops, a file is closed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

import remanence
from remanence import local as memory_module
from remanence.embed.base import Base as Embedder
from remanence.embed.hashing import Hashing
from remanence.errors import BadConfig, BadReply, LMError, OtherMethod, StoreError, Unavailable, UnknownName
from remanence.lm.base import Base as LM
from remanence.lm.scripted import Scripted
from remanence.local import Local
from remanence.records import Event, Filter, Hit, Op, Record, Source, add, utc
from remanence.store import decided
from remanence.store.base import Base as Store
from remanence.text.words import Words
from soundness import check, everything_is_derived

START = utc("2024-05-01")


@dataclass
class Weighed(Words):
    """Turns, each weighed by a model; what is recalled grows stronger."""

    derives: ClassVar[str] = "weighed"
    asks: ClassVar[bool] = True
    lm: LM = field(default_factory=Scripted)
    grows: bool = False

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        ops = super().write(events, store)
        return ops + [Op("strengthen", op.record, value=self.lm.importance(op.new.text)) for op in ops if op.new]

    def recalled(self, hits: Sequence[Hit], now: datetime) -> list[Op]:
        return [Op("strengthen", hit.id, at=now, read=True) for hit in hits] if self.grows else []


def weighed(path: Path, lm: LM, **how: Any) -> Local:
    opened = remanence.open(path, method="words", embed="hashing", **how)
    return Local(opened.store, Weighed(lm=lm, grows=True), "words", lm)


def events(n: int, first: int = 0) -> list[Event]:
    return [Event(f"Turn {i} is about tea.", START + timedelta(hours=i)) for i in range(first, first + n)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.db"


@pytest.fixture
def memory(path: Path) -> Iterator[Local]:
    with remanence.open(path, embed="hashing") as opened:
        yield opened


# -- a model that fails ----------------------------------------------------------------------------------------------


def test_what_a_model_could_not_read_is_kept_and_derived_from_later(path: Path) -> None:
    lm = Scripted({"importance": [0.5, BadReply("nonsense"), 0.7]})
    with weighed(path, lm) as memory:
        memory.add_many(events(1))
        with pytest.raises(BadReply, match="nonsense") as caught:
            memory.add_many(events(1, first=1))
        assert caught.value.__notes__ == ["The events are kept; `consolidate` derives from them later."]
        assert (memory.status()["events"], memory.status()["records"], memory.status()["pending"]) == (2, 1, 1)
        memory.consolidate()
        assert (memory.status()["records"], memory.status()["pending"]) == (2, 0)
        assert [record.strength for record in memory.records()] == [0.5, 0.7]
        check(memory)


def answered(*failures: Exception | None) -> tuple[Scripted, list[int]]:
    """A model that fails as told, once for each batch, and the sizes of what it was asked."""
    coming = iter(failures)

    def importance(text: str) -> float:
        failure = next(coming, None)
        if failure is not None:
            raise failure
        return 0.5

    return Scripted({"importance": importance}), []


@pytest.mark.parametrize(
    ("failures", "calls", "pending"),
    [
        ((BadReply("a"), None), 4, 1),
        ((Unavailable("a"),), 1, 4),
        ((BadReply("a"), Unavailable("b")), 2, 4),
        ((None, Unavailable("a")), 2, 3),
        ((BadReply("a"), BadReply("b"), BadReply("c"), BadReply("d")), 4, 4),
    ],
    ids=["one bad reply", "unavailable", "bad, then unavailable", "good, then unavailable", "all bad"],
)
def test_who_is_unavailable_is_not_asked_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, failures: tuple[Exception | None, ...], calls: int, pending: int
) -> None:
    """Four batches of one: a bad reply spoils its own, a model that is away is left alone for the rest."""
    monkeypatch.setattr(memory_module, "BATCH", 1)
    lm, _ = answered(*failures)
    with weighed(path, lm) as memory:
        with pytest.raises(LMError):
            memory.add_many(events(4))
        assert lm.usage.calls == calls
        assert (memory.status()["events"], memory.status()["pending"]) == (4, pending)
        assert memory.derive() == pending
        everything_is_derived(memory)


def test_a_rebuild_that_a_model_stops_goes_on_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lm, _ = answered(*[None] * 12, Unavailable("gone"))
    with weighed(path, lm) as memory:
        memory.add_many(events(10))
        monkeypatch.setattr(memory_module, "BATCH", 1)
        with pytest.raises(Unavailable):
            memory.rebuild()
        assert (memory.status()["records"], memory.status()["pending"]) == (2, 8)
    with weighed(path, Scripted({"importance": lambda text: 0.9})) as memory:
        assert memory.derive() == 8
        assert {record.strength for record in memory.records()} == {0.5, 0.9}
        everything_is_derived(memory)
        check(memory)


def test_what_was_decided_waits_for_a_rebuild_that_was_stopped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "BATCH", 1)
    lm = Scripted(
        {"importance": [0.1, 0.2, 0.3, 0.4, Unavailable("no answer"), Unavailable("no answer"), 0.5, 0.6, 0.7]}
    )
    with weighed(path, lm) as memory:
        memory.add_many(events(3))
        _, second, _ = memory.records()
        memory.forget(second.id)
        for _ in range(2):  # the second time its record is not there any more
            with pytest.raises(Unavailable):
                memory.rebuild()
            memory.store.decide_again()
    with weighed(path, lm) as memory:
        memory.derive()
        assert [record.text for record in memory.records()] == ["Turn 0 is about tea.", "Turn 2 is about tea."]
        assert decided.waiting(memory.store.reader) == []


def test_what_was_decided_of_what_is_erased_is_gone(path: Path) -> None:
    with weighed(path, Scripted({"importance": [0.1, 0.2, 0.3, Unavailable("no answer")]})) as memory:
        memory.add_many(events(3))
        memory.forget(next(memory.records()).id)
        with pytest.raises(Unavailable):
            memory.rebuild()
        assert len(decided.waiting(memory.store.reader)) == 1
        memory.store.erase(Filter(between=(START, START + timedelta(minutes=1))))
        assert decided.waiting(memory.store.reader) == []


def test_what_was_derived_from_once_does_not_wait_again(memory: Local) -> None:
    """Another process failed with the same event while ours succeeded."""
    memory.add_many(events(1))
    memory.store.apply([], events=events(1), pending=True)
    assert memory.status()["pending"] == 0


# -- what comes back -------------------------------------------------------------------------------------------------


def test_recalling_makes_stronger_where_it_may(path: Path) -> None:
    lm = Scripted({"importance": lambda text: 0.5})
    with weighed(path, lm) as memory:
        memory.add_many(events(3))
        (hit, *_) = memory.search("tea", k=1)
        assert memory.as_of(START).search("tea", k=1)[0].id == hit.id, "to look at the past recalls nothing"
        with weighed(path, lm, read_only=True) as reader:
            assert reader.search("tea", k=1)[0].id == hit.id
        assert memory.get(hit.id).reads == 1


# -- methods and embedders -------------------------------------------------------------------------------------------


def test_a_rebuild_keeps_the_settings_unless_others_are_said(path: Path) -> None:
    with remanence.open(path, embed="hashing", near=0.0, session=0.0) as memory:
        memory.add_many(events(3))
        memory.rebuild()
        assert (memory.method.near, memory.method.session) == (0.0, 0.0)
        memory.rebuild(near=0.4)
        assert memory.method.near == 0.4
        with pytest.raises(UnknownName):
            memory.rebuild("hibrid")
        memory.rebuild("words")
    with remanence.open(path, embed="hashing") as memory:
        assert (memory.name, memory.status()["method"]) == ("words", "words")
        everything_is_derived(memory)


def test_a_method_that_derives_the_same_may_read_and_another_may_not(path: Path) -> None:
    with remanence.open(path, embed="hashing", method="words") as memory:
        memory.add_many(events(2))
    with remanence.open(path, embed="hashing", method="dense") as memory:
        assert (memory.name, memory.status()["method"]) == ("dense", "words")
        memory.add_many(events(1, first=2))
        memory.store.clear_records(method="not known here")
    with pytest.raises(OtherMethod, match=r"derived by 'not known here'; open them with it and rebuild\('words'\)"):
        remanence.open(path, embed="hashing", method="words")


class Stops(Hashing):
    """An embedder of another width that fails after a while."""

    def __init__(self, after: int):
        super().__init__(128)
        self.left = after

    def embed(self, texts: Sequence[str]) -> Any:
        self.left -= len(texts)
        if self.left < 0:
            raise ConnectionError("gone")
        return super().embed(texts)


def test_another_embedder_embeds_anew_and_answers_stay(path: Path) -> None:
    with remanence.open(path, embed="hashing", method="dense") as memory:
        memory.add_many(Event(f"Turn {i} is about topic{i} and nothing else.", START) for i in range(600))
        before = memory.search("Turn 77 is about topic77 and nothing else.", k=1)[0].id
    told: list[int] = []
    with remanence.open(path, embed=Hashing(128), progress=lambda done, of: told.append(done)) as memory:
        assert told == [256, 512, 600]
        assert memory.search("Turn 77 is about topic77 and nothing else.", k=1)[0].id == before
        assert (memory.status()["embedder"], memory.status()["dim"]) == ("hashing-128", 128)
        check(memory)
    with pytest.raises(BadConfig, match="vectors of this memory are of 'hashing-128'; give embed="):
        remanence.open(path)
    with remanence.open(path, embed=Hashing(64)) as memory:
        check(memory)
    with remanence.open(path) as memory:
        assert memory.store.embedder.id == "hashing-64", "the one it was made with, though it is not the default"


def test_embedding_anew_that_stops_leaves_the_old(path: Path) -> None:
    with remanence.open(path, embed="hashing") as memory:
        memory.add_many(events(600))
        before = [hit.id for hit in memory.search("Turn 77", k=3, now=START)]
        with pytest.raises(ConnectionError):
            memory.store.reembed(Stops(300))
        assert [hit.id for hit in memory.search("Turn 77", k=3, now=START)] == before
        memory.add("and it goes on", at=START)
        check(memory)
    with pytest.raises(ConnectionError):
        remanence.open(path, embed=Stops(300))
    with remanence.open(path, embed="hashing") as memory:
        assert memory.search("Turn 77", k=3, now=START)[0].id == before[0]


# -- seen from then, moved, closed -----------------------------------------------------------------------------------


def test_moved_to_another_file_it_is_the_same(memory: Local, tmp_path: Path) -> None:
    memory.add_many(events(4))
    ids = [record.id for record in memory.records()]
    cited = next(memory.events())
    summary = Record("summary", "All is tea.", START, (Source(cited.id, 0, 4),))
    links = [Op("link", summary.id, id, "of") for id in ids]
    memory.store.apply([add(summary), *links, Op("strengthen", ids[0], value=2.0)], by="hybrid/1")
    memory.store.apply([Op("strengthen", ids[0], at=START, read=True), Op("strengthen", ids[0], at=START, read=True)])
    memory.undo(memory.forget(ids[1])[0].id)
    memory.forget(ids[2])
    memory.add("Soon gone.", at=START, user="ana")
    memory.erase(user="ana")
    memory.export(tmp_path / "out.jsonl")
    with remanence.open(tmp_path / "other.db", embed="hashing") as other:
        for _ in range(2):  # the second time nothing is new
            assert other.import_(tmp_path / "out.jsonl").problems == ()
            rows = range(1, 9)
            assert list(other.store.read(rows).values()) == list(memory.store.read(rows).values())
            links_of = [{link.record for link in m.get(summary.id).links} for m in (memory, other)]
            assert links_of == [set(ids), set(ids)]
            assert memory.get(ids[0]).reads == other.get(ids[0]).reads == 2
            kinds = [op.kind for op in memory.history() if op.kind != "erase"]
            assert [op.kind for op in other.history()] == kinds
        check(other)


def test_a_closed_memory_says_so(path: Path) -> None:
    memory = remanence.open(path, embed="hashing")
    memory.close()
    memory.close()
    for verb in (lambda: memory.add("x", at=START), lambda: memory.search("x"), lambda: list(memory.events())):
        with pytest.raises(StoreError, match="closed"):
            verb()


def test_a_memory_without_a_file_leaves_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with remanence.open(embed="hashing") as memory:
        memory.add_many(events(3))
        assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(BadConfig):
        remanence.open(embed="hashing", nearr=1)
    assert list(tmp_path.iterdir()) == []


def test_its_size_counts_what_lies_beside(memory: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remanence.store.view.TAIL", 8)
    memory.add_many(events(20))
    memory.status()
    files = [file for file in tmp_path.rglob("*") if file.is_file() and not file.name.endswith("-shm")]
    assert memory.status()["bytes"] == sum(file.stat().st_size for file in files)
    assert len(files) == 15, "the file, its log, twelve columns and their head"
    assert isinstance(memory.store.embedder, Embedder)
