"""The runner: a small world lived through from end to end, what its row holds, and what a failure does."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import ClassVar

import pytest

from remanence.bench.base import UNGRADED, Advance, Found, Observe, Probe, Score, World
from remanence.bench.embedder_alone import EmbedderAlone
from remanence.bench.metrics import recall
from remanence.bench.run import run
from remanence.bench.table import table
from remanence.bench.tasks.base import Base
from remanence.bench.text_memory import TextMemory, TextSubject
from remanence.embed.hashing import Hashing
from remanence.errors import BadConfig, CannotAnswer, Locked
from remanence.lm.base import Answer, Usage
from remanence.lm.scripted import Scripted
from remanence.records import Event, utc

START = utc("2024-05-01")
PLACES = ("Lisbon", "Porto", "Faro", "Braga")


@dataclass
class Tiny(Base):
    """In each world two people move somewhere; who lives where is asked, in one world as of before the move."""

    metrics: ClassVar = {"recall@1": "the turn first", "right": "the answer in words"}
    forms: ClassVar = ("text", "embed")

    ask: bool = False
    worlds_: int = 2

    def worlds(self, seed: int) -> Iterator[World]:
        for n in range(self.worlds_):
            yield self.world(n, Random(f"{seed} {n}"))

    def world(self, n: int, random: Random) -> World:
        places = random.sample(PLACES, 2)
        said = [
            Event(f"{who} moved to {place}.", START + timedelta(days=i), speaker=who)
            for i, (who, place) in enumerate(zip(("Ana", "Ben"), places, strict=True))
        ]
        probes = [
            Probe(f"Where did {who} move?", (e.id,), (place,), k=2, now=e.at, ask=self.ask, tags={"who": who})
            for who, e, place in zip(("Ana", "Ben"), said, places, strict=True)
        ]
        return World(f"world {n}", [Observe(said), Advance(said[-1].at, forget=True), Observe([]), *probes])

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        scores = {"recall@1": Score(recall(found.ranked, probe.gold, 1))}
        if probe.ask:
            scores["right"] = Score(float(found.answer in probe.answers)) if found.answer is not None else UNGRADED
        return scores

    def size(self) -> int:
        return 2 * self.worlds_

    def notes(self) -> list[str]:
        return ["made up"]


class Breaking:
    """A contender whose second question fails."""

    form: ClassVar[str] = "text"
    name = "breaking"
    closed = 0

    def about(self):
        return {"settings": {"depth": 3}}

    def subject(self):
        self.asked = 0
        return self

    def usage(self):
        return Usage()

    def observe(self, events): ...

    def advance(self, step): ...

    def recall(self, probe):
        self.asked += 1
        if self.asked == 2:
            raise Locked("somebody else has it")
        return Found()

    def sizes(self):
        return {"bytes": 0}

    def close(self):
        self.closed += 1


def words(**more) -> TextMemory:
    return TextMemory("words", Hashing(), **more)


def measured(row):
    """A row without what depends on the machine and the moment."""
    got = json.loads(row.json())
    for name in ("cost", "commit", "versions"):
        got.pop(name)
    return got


def test_a_tiny_world_end_to_end():
    seen = []
    (row,) = run(Tiny(), [words()], progress=lambda *step: seen.append(step))
    assert (row.form, row.task, row.memory, row.status, row.error) == ("text", "test_bench_run", "words", "done", "")
    assert (row.worlds, row.probes, row.events) == (2, 4, 4)
    assert row.scores["recall@1"].value == 1
    assert row.scores["recall@1"].count == 4
    assert "right" not in row.scores, "a metric that applies to no probe is left out"
    assert {value: of["recall@1"].count for value, of in row.groups["who"].items()} == {"Ana": 2, "Ben": 2}
    assert row.cost.bytes > 0
    assert row.cost.bytes_per_event == row.cost.bytes / 4
    assert row.cost.sizes["records"] == 4
    assert row.cost.write.count == 4, "an empty Observe is no write"
    assert (row.cost.read.count, row.cost.advance.count, row.cost.ask) == (4, 2, None)
    assert row.cost.tokens > 0
    assert seen == [("words", n, 4) for n in (1, 2, 3, 4)]


def test_a_row_is_one_line_of_json_that_says_how_to_run_it_again():
    (row,) = run(Tiny(data="elsewhere"), [words()], seed=7, limit=3)
    assert "\n" not in row.json()
    got = json.loads(row.json())
    assert got["schema"] == 1
    assert (got["seed"], got["limit"], got["probes"]) == (7, 3, 3)
    assert got["task_settings"] == {"ask": False, "worlds_": 2}, "where the data lies is no part of a result"
    assert (got["settings"], got["embedder"], got["lm"]) == ({}, Hashing().id, "rules")
    assert {"remanence", "python", "numpy", "sqlite"} <= got["versions"].keys()
    assert got["notes"] == ["made up"]
    assert set(got["scores"]["recall@1"]) == {"value", "se", "se_world", "count", "worlds", "ungraded"}
    assert set(got["cost"]["read"]) == {"count", "cpu_ms", "cpu_ms_p95", "wall_ms", "wall_ms_p95", "seconds"}


def test_the_same_seed_gives_the_same_row_and_another_gives_another_world():
    one, two = (next(run(Tiny(), [words()], seed=3)) for _ in range(2))
    assert measured(one) == measured(two)
    assert [w.steps[0].events[0].text for w in Tiny(worlds_=9).worlds(3)] != [
        w.steps[0].events[0].text for w in Tiny(worlds_=9).worlds(4)
    ]


def test_each_world_is_told_to_a_fresh_memory():
    (row,) = run(Tiny(worlds_=6), [words()])
    assert row.scores["recall@1"].value == 1, "Ana of another world would answer too"
    assert row.scores["recall@1"].worlds == 6


def test_a_memory_that_raises_fails_its_row_and_no_other():
    breaking = Breaking()
    broken, unknown, fine = run(Tiny(), [breaking, TextMemory("wrods", Hashing()), words()])
    assert (broken.status, broken.error) == ("failed", "Locked: somebody else has it")
    assert (broken.scores, broken.groups, broken.probes) == ({}, {}, 1), "half a score is no score"
    assert broken.settings == {"depth": 3}
    assert breaking.closed == 1
    assert unknown.status == "failed"
    assert "Did you mean 'words'?" in unknown.error
    assert fine.status == "done"
    shown = table([broken, unknown, fine])
    assert "breaking  failed: Locked: somebody else has it" in shown
    assert "1.000" in shown


def test_an_error_of_the_task_is_raised():
    class Missing(Tiny):
        def worlds(self, seed):
            yield self.world(0, Random(0))
            raise BadConfig("no data")

    with pytest.raises(BadConfig, match="no data"):
        list(run(Missing(), [words()]))


def test_a_bug_is_raised():
    class Wrong(Tiny):
        def grade(self, world, probe, found):
            return {"unheard of": Score(1)}

    with pytest.raises(AssertionError, match="undeclared"):
        list(run(Wrong(), [words()]))


def test_what_the_model_answers_is_graded_and_what_it_cannot_is_not():
    replies = iter([Answer("Lisbon"), CannotAnswer("no"), Answer("nowhere"), CannotAnswer("no")])

    def answer(question, memories):
        reply = next(replies)
        if isinstance(reply, Exception):
            raise reply
        return reply

    (row,) = run(Tiny(ask=True), [words(lm=Scripted({"answer": answer}))])
    right = row.scores["right"]
    assert (row.status, right.count, right.ungraded) == ("done", 2, 2)
    assert right.value in (0, 0.5), "of the two that were answered"
    assert row.cost.ask.count == 2
    assert row.scores["recall@1"].count == 4, "what was recalled counts all the same"
    assert row.lm == "scripted"


def test_limit_stops_and_is_checked():
    (row,) = run(Tiny(), [words()], limit=1)
    assert (row.worlds, row.probes, row.limit) == (1, 1, 1)
    with pytest.raises(BadConfig, match="limit must be at least 1, got 0"):
        next(run(Tiny(), [words()], limit=0))


def test_a_task_is_put_to_the_forms_it_is_for():
    class Text(Tiny):
        forms: ClassVar = ("text",)

    with pytest.raises(BadConfig, match="is put to a memory of form text; hashing is embed"):
        next(run(Text(), [EmbedderAlone("hashing")]))


def test_an_embedder_alone_ranks_by_cosine():
    (row,) = run(Tiny(), [EmbedderAlone("hashing")])
    assert row.scores["recall@1"].value == 1
    assert (row.form, row.embedder, row.cost.bytes_per_event) == ("embed", Hashing().id, Hashing().dim * 4)


def test_an_embedder_alone_sees_who_said_it_unless_told_otherwise():
    said = [Event("I moved.", START, speaker="Ben"), Event("I moved.", START, speaker="Ana")]
    for speaker, first in ((True, said[1].id), (False, said[0].id)):
        subject = EmbedderAlone("hashing", speaker=speaker).subject()
        subject.observe(said)
        assert subject.recall(Probe("Where did Ana move?")).ranked[0] == first


def test_filters_reach_the_memory():
    subject = words().subject()
    said = [Event(f"tulips {who}", START, speaker=who) for who in ("Ana", "Ben")]
    subject.observe(said)
    assert subject.recall(Probe("tulips", which={"speakers": "Ben"})).ranked == [said[1].id]
    assert subject.recall(Probe("tulips", which={"as_of": START - timedelta(days=1)})).ranked == []
    subject.close()


def test_the_table_by_group():
    (row,) = run(Tiny(), [words()])
    lines = table([row], by="who").splitlines()
    assert lines[0].split() == ["memory", "who", "recall@1", "n"]
    assert [line.split()[:2] for line in lines[1:3]] == [["words", "Ana"], ["words", "Ben"]]
    assert lines[-1] == "made up"


def test_a_step_becomes_the_verbs_it_names_at_its_time():
    class Noting:
        done: ClassVar[list] = []

        def __getattr__(self, verb):
            def note(*args, **named):
                self.done.append((verb, args, named))
                return Answer("yes")

            return note

    subject = TextSubject(Noting())
    subject.advance(Advance(START))
    subject.advance(Advance(START, consolidate=False, forget=True))
    assert subject.ask(Probe("who?", k=3, now=START, which={"user": "ana"})) == "yes"
    assert Noting.done == [
        ("consolidate", (), {"now": START}),
        ("forget", (), {"now": START}),
        ("ask", ("who?", 3), {"now": START, "user": "ana"}),
    ]


def test_a_row_knows_the_code_it_is_of(monkeypatch, tmp_path):
    from remanence.bench import row

    (tmp_path / "a.py").write_text("one = 1\n")
    (tmp_path / "life.toml").write_text("")
    monkeypatch.setattr(row, "HERE", tmp_path)
    first = row.code()
    assert row.code() == first == row.versions()["code"]
    (tmp_path / "notes.txt").write_text("no code")
    assert row.code() == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    second = row.code()
    (tmp_path / "b.py").write_text("one = 2\n")
    assert len({first, second, row.code()}) == 3
