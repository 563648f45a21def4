"""The laws of every lesson the registry finds, and what each of them says, worked out from its own text."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from remanence.bench.lessons.base import UNASKED  # noqa: E402
from remanence.bench.lessons.chomsky import DIGIT, END, GO, POP, PUSH, Chomsky  # noqa: E402
from remanence.bench.lessons.joint_recall import SEP, JointRecall  # noqa: E402
from remanence.bench.lessons.memorization import Memorization  # noqa: E402
from remanence.bench.lessons.needle_tokens import ASK, FACT, KEYS, NeedleTokens  # noqa: E402
from remanence.bench.lessons.paired_inference import PairedInference  # noqa: E402
from remanence.bench.lessons.selective_copy import SelectiveCopy  # noqa: E402
from remanence.bench.lessons.t_maze import TMaze  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402
from remanence.registry import load, names  # noqa: E402

LESSONS = names("bench/lessons")
PINNED = json.loads((Path(__file__).parent / "data" / "lessons.json").read_text())  # three examples of each, seed 0


def drawn(lesson, n=40, seed=0):
    made = lesson.examples(n, torch.Generator().manual_seed(seed))
    return made.ids, made.labels


def asked(labels):
    return [[t, x] for t, x in enumerate(labels) if x != UNASKED]


@pytest.mark.parametrize("name", LESSONS)
def test_the_generator_alone_decides(name):
    lesson = load("bench/lessons", name)()
    (a, b), (c, d), (e, _) = drawn(lesson), drawn(lesson), drawn(lesson, seed=1)
    torch.manual_seed(5)  # a global seed changes nothing
    assert bool((a == c).all())
    assert bool((b == d).all())
    assert a.shape != e.shape or not bool((a == e).all())


@pytest.mark.parametrize("name", LESSONS)
def test_ids_and_labels_are_of_the_vocabulary(name):
    lesson = load("bench/lessons", name)()
    ids, labels = drawn(lesson)
    assert ids.shape == labels.shape
    assert ids.dtype == labels.dtype == torch.long
    assert 0 <= int(ids.min()) <= int(ids.max()) < lesson.vocab_size
    wanted = labels[labels != UNASKED]
    assert 0 <= int(wanted.min()) <= int(wanted.max()) < lesson.vocab_size
    assert bool((labels != UNASKED).any(1).all()), "every example asks something"
    assert 0 < lesson.chance <= 1


@pytest.mark.parametrize("name", LESSONS)
def test_three_examples_are_pinned(name):
    ids, labels = drawn(load("bench/lessons", name)(), 3)
    assert PINNED[name] == [[row, asked(given)] for row, given in zip(ids.tolist(), labels.tolist(), strict=True)]


def test_selective_copy_asks_for_the_tokens_in_their_order():
    for ids, labels in zip(*(x.tolist() for x in drawn(SelectiveCopy(tokens=5, length=30))), strict=True):
        mark = ids.index(15)
        assert [x for _, x in asked(labels)] == [x for x in ids[:mark] if x != 14]
        assert [t for t, _ in asked(labels)] == list(range(mark, 29))
        assert set(ids[mark + 1 :]) == {14}


def test_joint_recall_asks_each_key_in_its_context_for_what_was_told_there():
    lesson = JointRecall(contexts=3, keys=4, values=8)
    for ids, labels in zip(*(x.tolist() for x in drawn(lesson)), strict=True):
        assert len(ids) == lesson.length
        half = ids.index(SEP)
        told = _table(ids[1:half], 4)
        again = _table(ids[half + 1 :], 4)
        assert told == again
        assert len(told) == 12
        for t, answer in asked(labels):
            block = (t - half - 1) // 9 * 9 + half + 1
            assert told[ids[block], ids[t]] == answer == ids[t + 1]
        assert len(asked(labels)) == 12
    first = drawn(lesson)[0]
    assert not bool((first[:, 1:28] == first[:, 29:]).all()), "told in another order"


def _table(ids, keys):
    found = {}
    for start in range(0, len(ids), 1 + 2 * keys):
        pairs = ids[start + 1 : start + 1 + 2 * keys]
        found |= {(ids[start], k): v for k, v in zip(pairs[::2], pairs[1::2], strict=True)}
    return found


@pytest.mark.parametrize("repeats", [False, True])
def test_needle_tokens_asks_for_the_last_value_of_a_key(repeats):
    lesson = NeedleTokens(length=40, facts=6, keys=6, repeats=repeats)
    for ids, labels in zip(*(x.tolist() for x in drawn(lesson)), strict=True):
        facts = [t for t, x in enumerate(ids) if x == FACT]
        assert len(facts) == 6
        assert all(b - a >= 3 for a, b in pairwise(facts))
        told = {ids[t + 1]: ids[t + 2] for t in facts}
        assert ids[-2] == ASK
        assert asked(labels) == [[39, told[ids[-1]]]]
        assert all(KEYS <= ids[t + 1] < KEYS + 6 for t in facts)


def test_chomsky_reverses():
    ids, labels = drawn(Chomsky("reverse", 7, shorter=False))
    assert bool((ids[:, 7] == GO).all())
    assert bool((labels[:, 7:] == ids[:, :7].flip(1)).all())
    assert bool((labels[:, :7] == UNASKED).all())


def test_chomsky_works_a_stack():
    for ids, labels in zip(*(x.tolist() for x in drawn(Chomsky("stack", 12, shorter=False))), strict=True):
        stack = []
        for token in ids[: ids.index(GO)]:
            if token == POP:
                del stack[-1:]
            else:
                stack.append(token if token >= DIGIT else token - PUSH + DIGIT)
        assert [x for _, x in asked(labels)] == [*reversed(stack), END]


@pytest.mark.parametrize(("kind", "modulus"), [("parity", 2), ("modular", 5)])
def test_chomsky_sums(kind, modulus):
    ids, labels = drawn(Chomsky(kind, 9, shorter=False))
    assert bool((labels[:, 9] == (ids[:, :9] - DIGIT).sum(1) % modulus + DIGIT).all())


def test_shorter_strings_come_too():
    lesson, generator = Chomsky("reverse", 8), torch.Generator().manual_seed(0)
    assert {lesson.examples(1, generator).ids.shape[1] // 2 for _ in range(200)} == set(range(1, 9))


def test_t_maze_asks_for_the_sign():
    ids, labels = drawn(TMaze(corridor=12, noise=3))
    assert ids.shape[1] == 14
    assert bool((labels[:, -1] == ids[:, 0]).all())
    assert set(ids[:, 0].tolist()) == {0, 1}
    assert set(ids[:, 1:-1].flatten().tolist()) == {3, 4, 5}


def test_paired_inference_asks_for_the_one_of_the_same_chain():
    lesson = PairedInference(chains=3, length=4, items=20)
    hops = set()
    for ids, labels in zip(*(x.tolist() for x in drawn(lesson, 200)), strict=True):
        following = dict(zip(ids[:-4:2], ids[1:-4:2], strict=True))
        assert len(following) == 9
        cue, *choices = ids[-3:]
        chain = [cue]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        (answer,) = [x for x in choices if x in chain[1:]]
        hops.add(chain.index(answer))
        assert asked(labels) == [[len(ids) - 1, answer]]
    assert hops == {1, 2, 3}


def test_memorization_has_one_table_whatever_is_drawn():
    lesson, table = Memorization(facts=20, pairs=10), {}
    for seed in range(3):
        for ids, labels in zip(*(x.tolist() for x in drawn(lesson, seed=seed)), strict=True):
            for t, answer in asked(labels):
                assert table.setdefault(ids[t - 1], answer) == answer
    assert len(table) == 20
    assert len(set(table.values())) > 5


@pytest.mark.parametrize(
    "made",
    [
        lambda: SelectiveCopy(length=10, tokens=5),
        lambda: JointRecall(keys=0),
        lambda: NeedleTokens(facts=9),
        lambda: NeedleTokens(length=7),
        lambda: Chomsky("sort"),
        lambda: TMaze(noise=0),
        lambda: PairedInference(chains=30),
        lambda: Memorization(values=0),
    ],
)
def test_what_cannot_be_is_refused(made):
    with pytest.raises(BadConfig):
        made()
