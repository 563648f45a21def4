"""The bAbI task: on a miniature written for this test, and on the real files where they are."""

import os
from pathlib import Path

import pytest

from remanence.bench.base import UNGRADED, Found, Observe, Probe
from remanence.bench.run import run
from remanence.bench.tasks.babi import FILES, BAbI
from remanence.bench.text_memory import TextMemory
from remanence.embed.hashing import Hashing
from remanence.errors import BadConfig

FIRST = """1 John went to the hall.
2 Mary went to the attic.
3 Where is John? \thall\t1
4 John took the ball.
5 Where is the ball?\thall\t4 1
1 Mary went to the hall.
2 Where is Mary? \tHall\t1
3 Mary went to the attic.
4 Where is Mary? \tattic\t3
1 Zoe is bored.
2 Where is Zoe?\tnowhere\t1
"""
PATHS = """1 The hall is north of the attic.
2 The attic is west of the cellar.
3 How do you go from the cellar to the hall?\tw,n\t2 1
"""


def real_data() -> str:
    folder = Path(os.environ.get("REMANENCE_DATA") or Path("..") / "shared" / "data")
    if not any(folder.rglob("qa1_*_test.txt")):
        pytest.skip(f"no files of bAbI under {folder}; set REMANENCE_DATA to the folder of the data")
    return str(folder)


def small(folder: Path, **settings) -> BAbI:
    (folder / "qa1_single-supporting-fact_test.txt").write_text(FIRST)
    (folder / "qa19_path-finding_test.txt").write_text(PATHS)
    return BAbI(str(folder), **{"tasks": "1,19", "stories": 2, "checked": False} | settings)


def test_stories_are_told_side_by_side_each_up_to_its_next_question(tmp_path):
    world, _ = small(tmp_path).worlds(0)
    assert world.name == "01 single supporting fact"
    told, one, two, more, three, four = world.steps
    assert [type(step) for step in world.steps] == [Observe, Probe, Probe, Observe, Probe, Probe]
    assert [(e.text, e.scope.user) for e in told.events] == [
        ("John went to the hall.", "story 0"),
        ("Mary went to the attic.", "story 0"),
        ("Mary went to the hall.", "story 1"),
    ]
    assert [e.text for e in more.events] == ["John took the ball.", "Mary went to the attic."]
    assert [probe.which for probe in (one, two, three, four)] == [{"user": "story 0"}, {"user": "story 1"}] * 2
    assert one.now > max(e.at for e in told.events[:2]), "asked after what was told"


def test_support_is_named_by_line_and_questions_count_as_lines(tmp_path):
    world, _ = small(tmp_path).worlds(0)
    told, one, _, more, ball, moved = world.steps
    assert (one.question, one.gold, one.answers) == ("Where is John?", (told.events[0].id,), ("hall",))
    assert ball.gold == (more.events[0].id, told.events[0].id)
    assert moved.gold == (more.events[1].id,), "line 3 of the second story, not of the first"
    assert ball.tags == {"task": "01 single supporting fact", "supports": "2"}


def test_support_is_graded_at_five_and_at_its_own_number(tmp_path):
    task = small(tmp_path)
    world, _ = task.worlds(0)
    ball = world.steps[4]
    got = task.grade(world, ball, Found(("a", "b", "c"), ((ball.gold[1],), ("x",), (ball.gold[0],))))
    assert {name: got[name].value for name in ("all@5", "recall@5", "first")} == {
        "all@5": 1,
        "recall@5": 1,
        "first": 0.5,
    }
    six = (*[(str(i),) for i in range(5)], (ball.gold[0],))
    got = task.grade(world, ball, Found(("",) * 6, six))
    assert (got["all@5"].value, got["recall@5"].value, got["recall@10"].value) == (0, 0, 0.5)


@pytest.mark.parametrize(
    ("reply", "right"),
    [("John is in the hall.", 1), ("hall", 1), ("The hall, or the attic.", 0), ("I see no room.", 0), ("", 0)],
)
def test_a_reply_is_right_that_holds_the_answer_and_no_other_of_the_task(tmp_path, reply, right):
    task = small(tmp_path)
    world, _ = task.worlds(0)
    assert task.grade(world, world.steps[1], Found(answer=reply))["right"].value == right
    assert task.grade(world, world.steps[2], Found(answer=reply))["right"].value == right, "'Hall' is the same answer"


def test_the_words_of_a_path_have_an_order(tmp_path):
    task = small(tmp_path)
    _, world = task.worlds(0)
    probe = world.steps[1]
    assert [task.grade(world, probe, Found(answer=reply))["right"].value for reply in ("w,n", "n,w", "w")] == [1, 0, 0]


def test_no_answer_is_not_graded_and_none_is_wanted_without_ask(tmp_path):
    task = small(tmp_path)
    world, _ = task.worlds(0)
    assert task.grade(world, world.steps[1], Found(silence="CannotAnswer: no"))["right"] is UNGRADED
    quiet = small(tmp_path, ask=False)
    world, _ = quiet.worlds(0)
    assert "right" not in quiet.grade(world, world.steps[1], Found())


def test_the_miniature_end_to_end(tmp_path):
    (row,) = run(small(tmp_path), [TextMemory("words", Hashing())])
    assert (row.status, row.worlds, row.probes, row.events) == ("done", 2, 5, 7)
    assert row.groups["supports"]["1"]["all@5"].value == 1, "a story holds no more than three lines"
    assert row.scores["all@5"].value == 4 / 5, "words do not get from the ball to John"


def test_wrong_settings_and_files_are_said(tmp_path):
    with pytest.raises(BadConfig, match="numbers from 1 to 20 with commas between, got '21'"):
        BAbI(tasks="1,21")
    with pytest.raises(BadConfig, match=r"not the qa1_single-supporting-fact_test\.txt these numbers are about"):
        next(small(tmp_path, checked=True).worlds(0))
    (tmp_path / "qa19_path-finding_test.txt").write_text("once upon a time")
    with pytest.raises(BadConfig, match=r"not a line of bAbI.*'once upon a time'"):
        list(BAbI(str(tmp_path), tasks="19", checked=False).worlds(0))


def test_babi_counts_what_it_is_known_to_hold():
    worlds = list(BAbI(real_data(), stories=1000).worlds(0))
    assert len(worlds) == len(FILES) == 20
    probes = [step for world in worlds for step in world.steps if isinstance(step, Probe)]
    assert len(probes) == 20_000
    told = [[e.id for step in world.steps if isinstance(step, Observe) for e in step.events] for world in worlds]
    assert [len(ids) for ids in told] == [len(set(ids)) for ids in told], "no two lines of a task are one event"
    assert sum(map(len, told)) == 66_440
    assert all(probe.gold for probe in probes)
    rows = [next(step for step in worlds[i].steps if isinstance(step, Probe)) for i in (1, 2, 18)]
    assert [(row.question, row.answers, len(row.gold)) for row in rows] == [
        ("Where is the milk?", ("hallway",), 2),
        ("Where was the apple before the bathroom?", ("office",), 3),
        ("How do you go from the bathroom to the hallway?", ("s,s",), 2),
    ]
