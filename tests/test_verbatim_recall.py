"""A list said again: that it stands once, and how what is said and what is told are graded."""

from collections import Counter
from dataclasses import replace
from math import log

import pytest

from remanence.bench.base import Found
from remanence.bench.tasks.verbatim_recall import LISTS, VerbatimRecall
from remanence.errors import BadConfig


def test_a_list_stands_once_and_goes_on_as_asked():
    task = VerbatimRecall(lengths="150", stretch=10, given=3, contexts=12)
    for world in task.worlds(0):
        read, asked, _ = world.steps
        (place,) = [i for i, token in enumerate(read.ids) if token == asked.ids[0]]
        words = [*asked.ids, *asked.target]
        assert len(asked.ids) == 3
        assert read.ids[place : place + 10] == words
        counts = Counter(read.ids)
        assert [counts[word] for word in words] == [1] * 10
        assert (place - 1) // 37 == (place + 8) // 37 == int(float(asked.tags["depth"]) / 25)


def test_the_same_list_another_order_and_another_list_are_told_by_turns():
    task = VerbatimRecall(lengths="150", contexts=6)
    kinds = []
    for world in task.worlds(0):
        read, asked, told = world.steps
        words = (*asked.ids, *asked.target)
        assert told.told
        assert not asked.told
        kinds.append(told.tags["list"])
        same, known = told.target == words, set(told.target) == set(words)
        assert (same, known) == {"repeated": (True, True), "permuted": (False, True), "new": (False, False)}[kinds[-1]]
        assert kinds[-1] != "new" or not set(told.target) & set(read.ids)
    assert kinds == [*LISTS, *LISTS]
    assert task.size() == 12


def test_what_is_said_is_graded_place_by_place():
    task = VerbatimRecall()
    (world, *_) = task.worlds(0)
    asked = replace(world.steps[1], target=(5, 6, 7, 8))
    for said, tokens, whole in (((5, 6, 7, 8), 1, 1), ((5, 6, 8, 7), 0.5, 0), ((6, 7, 8, 5), 0, 0)):
        got = task.grade(world, asked, Found(said=said))
        assert {name: score.value for name, score in got.items()} == {"tokens": tokens, "whole": whole}


def test_what_is_told_is_graded_by_what_could_be_foretold():
    """The first tokens of a list only say which list it is."""
    task = VerbatimRecall(given=2)
    (world, *_) = task.worlds(0)
    got = task.grade(world, world.steps[2], Found(surprise=(9.0, 9.0, log(2), log(4))))
    assert {name: score.value for name, score in got.items()} == {"log_p": pytest.approx(-log(8) / 2)}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"stretch": 2, "given": 2}, "given < stretch"),
        ({"stretch": 33}, "stretch <= 32"),
        ({"lengths": 64}, "no room for a stretch"),
        ({"lengths": "long"}, "lengths are numbers"),
        ({"contexts": 0}, "must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused(settings, said):
    with pytest.raises(BadConfig, match=said):
        VerbatimRecall(**settings)
