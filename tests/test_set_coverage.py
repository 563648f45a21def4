"""Set-BSR covers what a ranking of single turns leaves out."""

import itertools

import numpy as np
import pytest

import remanence
from remanence.text.set_coverage import cover

TALK = [
    "The violin teacher plays violin on Monday.",
    "Violin again, the violin teacher said.",
    "My violin teacher has a new violin.",
    "The ferry leaves from the north pier.",
    "Nothing else to tell.",
]
QUESTION = "violin teacher ferry"


def first_two(method: str) -> set[int]:
    with remanence.open(method=method, embed="hashing") as memory:
        for text in TALK:
            memory.add(text)
        return {TALK.index(hit.text) for hit in memory.search(QUESTION, k=2)}


def test_two_turns_cover_both_halves_of_the_question():
    assert 3 in first_two("set_coverage")


def test_the_best_single_turns_say_the_same_twice():
    assert 3 not in first_two("dense")


def slow(matches: np.ndarray, chosen: tuple[int, ...]) -> float:
    """Set-BSR as the formula has it."""
    return sum(max(matches[z][i] for z in chosen) for i in range(matches.shape[1]))


@pytest.mark.parametrize("seed", range(5))
def test_greedy_is_the_formula_and_within_its_bound(seed):
    matches = np.random.default_rng(seed).random((8, 5)).astype(np.float32)
    chosen, gains = cover(matches, 3)
    assert sum(gains) == pytest.approx(slow(matches, tuple(chosen)), rel=1e-5)
    assert gains == sorted(gains, reverse=True)
    best = max(slow(matches, some) for some in itertools.combinations(range(8), 3))
    assert sum(gains) >= (1 - 1 / np.e) * best
    assert chosen[0] == int(matches.sum(axis=1).argmax())


def test_a_turn_is_chosen_once_even_when_it_covers_all():
    chosen, _ = cover(np.array([[1.0, 1.0], [0.1, 0.1], [0.0, 0.0]], dtype=np.float32), 3)
    assert sorted(chosen) == [0, 1, 2]
