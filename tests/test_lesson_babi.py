"""What a story says is asked of it: answers follow from all lines before them, and the last place named will not do."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from remanence.bench.learning import Recipe, learn  # noqa: E402
from remanence.bench.lessons.babi import PLACES, BAbI  # noqa: E402
from remanence.bench.lessons.base import UNASKED  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.lm.config import LMConfig  # noqa: E402
from test_babi import real_data  # noqa: E402

torch.set_num_threads(1)

PINNED = """
john went to the bathroom . daniel went to the bathroom . sandra went to the garden . mary went to the garden
. sandra took the apple . sandra went to the bathroom . where is the apple ? [bathroom]

sandra went to the office . john went to the bedroom . mary went to the garden . john went to the kitchen .
mary went to the hallway . sandra went to the kitchen . daniel went to the garden . daniel went to the kitchen
. mary took the apple . sandra went to the bathroom . where is the apple ? [hallway]

daniel went to the kitchen . daniel took the football . where is the football ? [kitchen]
"""
TRAIN = """1 John went to the hall.
2 Mary went to the attic.
3 Where is John? \thall\t1
4 What does Mary carry?\tapple,milk\t2
1 Mary went to the hall.
2 Where is Mary? \tHall\t1
"""
TEST = """1 Mary went to the cellar.
2 Where is Mary? \tcellar\t1
"""


def drawn(lesson: BAbI, n: int, seed: int = 0) -> list[list[tuple[str, str]]]:
    """Each word with its label, "" where nothing is asked; without what fills up the end."""
    return read(lesson, lesson.examples(n, torch.Generator().manual_seed(seed)))


def read(lesson, given):
    words = {i: word for word, i in lesson._words.items()} | {UNASKED: ""}
    rows = zip(given.ids.tolist(), given.labels.tolist(), strict=True)
    return [[(words[i], words[label]) for i, label in zip(*row, strict=True) if i] for row in rows]


def shown(story):
    return " ".join(word + (f" [{answer}]" if answer else "") for word, answer in story)


def lines(story):
    line = []
    for word, answer in story:
        line.append(word)
        if word in ".?":
            yield line, answer
            line = []


def true_answers(story):
    """Worked out from the words alone."""
    held, been = {}, {}
    for line, answer in lines(story):
        match line:
            case [who, "went", "to", "the", place, "."]:
                for moved in [who, *(thing for thing, by in held.items() if by == who)]:
                    been.setdefault(moved, []).append(place)
            case [who, "took", "the", thing, "."]:
                assert thing not in held
                assert been.setdefault(thing, been[who][-1:])[-1] == been[who][-1]
                held[thing] = who
            case [who, "dropped", "the", thing, "."]:
                assert held.pop(thing) == who
            case ["where", "is", *_, what, "?"]:
                yield answer, been[what][-1]
            case ["where", "was", "the", thing, "before", "the", place, "?"]:
                at = len(been[thing]) - 1 - been[thing][::-1].index(place)
                yield answer, been[thing][at - 1]


def test_three_stories_are_pinned() -> None:
    pinned = [" ".join(story.split()) for story in PINNED.split("\n\n")]
    assert [shown(story) for story in drawn(BAbI(task=2, questions=1), 3)] == pinned


@pytest.mark.parametrize("task", [1, 2, 3])
def test_answers_follow_from_what_was_told(task: int) -> None:
    asked = [pair for story in drawn(BAbI(task, questions=4), 100) for pair in true_answers(story)]
    assert len(asked) == 400
    assert all(answer == true for answer, true in asked)
    assert {answer for answer, _ in asked} == set(PLACES)


@pytest.mark.parametrize("task", [1, 2, 3])
def test_the_last_place_named_is_not_enough(task: int) -> None:
    right = []
    for story in drawn(BAbI(task), 100):
        last = ""
        for line, answer in lines(story):
            if answer:
                right.append(answer == last)
            else:
                last = next((word for word in line if word in PLACES), last)
    assert sum(right) / len(right) < 0.6


def small(folder: Path, **settings) -> BAbI:
    (folder / "qa1_single-supporting-fact_train.txt").write_text(TRAIN)
    (folder / "qa1_single-supporting-fact_test.txt").write_text(TEST)
    return BAbI(data=str(folder), checked=False, **settings)


def test_files_are_read_a_word_a_token_and_asked_at_the_question_mark(tmp_path: Path) -> None:
    lesson = small(tmp_path)
    assert {shown(story) for story in drawn(lesson, 20)} == {
        "john went to the hall . mary went to the attic . where is john ? [hall] what does mary carry ? [apple,milk]",
        "mary went to the hall . where is mary ? [hall]",
    }
    assert lesson.vocab_size == 1 + 15 + 1  # what fills up, words, and the answer of two
    assert lesson.chance == 1 / 3


def test_the_examination_is_of_the_other_file(tmp_path: Path) -> None:
    lesson = small(tmp_path)
    exam = lesson.exam(2, torch.Generator())
    assert [shown(story) for story in read(lesson, exam)] == ["mary went to the cellar . where is mary ? [cellar]"] * 2


def test_the_one_teacher_examines_what_the_lesson_holds_back(tmp_path: Path) -> None:
    """Where the train file alone were used, one story learned by heart would pass."""
    config = LMConfig(small(tmp_path).vocab_size, width=16, depth=1, mixer="deltanet")
    _, learned = learn(small(tmp_path), config, Recipe(steps=60, batch=8, lr=0.03, warm_up=1, examine=60, exam=4))
    assert learned.loss < 0.1
    assert learned.accuracy == 0


def test_the_files_hold_what_they_are_known_to() -> None:
    asked = []
    for task in range(1, 21):
        lesson = BAbI(task, data=real_data())
        asked += [answer for part in lesson._files.values() for story in part for _, answer in story if answer]
        assert int(lesson.exam(3, torch.Generator()).ids.max()) < lesson.vocab_size
    assert len(asked) == 40_000


@pytest.mark.parametrize("settings", [{"task": 4}, {"task": 21, "data": "data"}, {"questions": 0}])
def test_what_cannot_be_is_refused(settings: dict[str, int | str]) -> None:
    with pytest.raises(BadConfig):
        BAbI(**settings)


def test_a_file_that_is_no_story_is_refused(tmp_path: Path) -> None:
    lesson = small(tmp_path)
    (tmp_path / "qa1_single-supporting-fact_train.txt").write_text("once upon a time")
    with pytest.raises(BadConfig, match=r"not a line of bAbI.*'once upon a time'"):
        drawn(lesson, 1)
