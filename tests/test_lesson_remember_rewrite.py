"""What is asked is the last value of a key; in Remember every key has one. Pinned, so that scores can be compared."""

import pytest

torch = pytest.importorskip("torch")

from remanence.bench.lessons.base import UNASKED  # noqa: E402
from remanence.bench.lessons.remember_rewrite import RememberRewrite  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

# SEP, GEN and EOS are 4, 5 and 6
REWRITE = [
    ([0, 4, 3, 6, 3, 4, 1, 6, 1, 4, 2, 6, 1, 5], [(13, 2)]),
    ([0, 4, 0, 6, 3, 4, 3, 6, 3, 4, 2, 6, 0, 5], [(13, 0)]),
    ([3, 4, 0, 6, 3, 4, 0, 6, 1, 4, 0, 6, 1, 5], [(13, 0)]),
]
REMEMBER = [
    ([3, 1, 4, 2, 3, 6, 1, 0, 4, 0, 1, 6, 1, 1, 4, 1, 1, 6, 1, 0, 5, 0], [(20, 0), (21, 1)]),
    ([2, 2, 4, 3, 0, 6, 3, 3, 4, 3, 2, 6, 1, 1, 4, 0, 3, 6, 3, 3, 5, 3], [(20, 3), (21, 2)]),
    ([1, 1, 4, 3, 2, 6, 2, 3, 4, 3, 2, 6, 3, 3, 4, 3, 0, 6, 3, 3, 5, 3], [(20, 3), (21, 0)]),
]


def drawn(lesson: RememberRewrite, n: int, seed: int = 0) -> list[tuple[list[int], list[tuple[int, int]]]]:
    made = lesson.examples(n, torch.Generator().manual_seed(seed))
    asked = ([(t, x) for t, x in enumerate(row) if x != UNASKED] for row in made.labels.tolist())
    return list(zip(made.ids.tolist(), asked, strict=True))


def test_three_examples_of_each_are_pinned() -> None:
    assert drawn(RememberRewrite(pairs=3, digits=4), 3) == REWRITE
    assert drawn(RememberRewrite(pairs=3, digits=4, key_size=2, value_size=2, rewrite=False), 3) == REMEMBER


@pytest.mark.parametrize("rewrite", [True, False])
def test_the_answer_is_the_last_value_of_the_key(rewrite: bool) -> None:
    lesson, rewritten = RememberRewrite(pairs=6, digits=5, key_size=2, value_size=3, rewrite=rewrite), 0
    for ids, asked in drawn(lesson, 300):
        told, writes = {}, []
        for start in range(0, 6 * lesson.segment_len, lesson.segment_len):
            key, sep, value, eos = ids[start : start + 2], ids[start + 2], ids[start + 3 : start + 6], ids[start + 6]
            assert (sep, eos) == (5, 7)
            assert max(*key, *value) < 5
            told[tuple(key)] = value
            writes.append(tuple(key))
        *key, gen = ids[42:45]
        assert gen == 6
        assert [x for _, x in asked] == told[tuple(key)]
        assert [t for t, _ in asked] == [44, 45, 46]
        assert ids[45:] == told[tuple(key)][:-1]  # the last digit is never shown
        rewritten += writes.count(tuple(key)) > 1
    assert (rewritten > 30) is rewrite


def test_every_pair_is_asked_for_as_often() -> None:
    """In Remember, by the place of the pair; and chance is how often the value of another would do."""
    places, lucky = [0] * 4, 0
    for ids, asked in drawn(RememberRewrite(pairs=4, rewrite=False), 4000):
        keys, values = ids[0:16:4], ids[2:16:4]
        places[keys.index(ids[16])] += 1
        lucky += values[0] == asked[0][1]
    assert [n / 4000 for n in places] == pytest.approx([0.25] * 4, abs=0.03)
    assert lucky / 4000 == pytest.approx(RememberRewrite(pairs=4).chance, abs=0.03)


@pytest.mark.parametrize("settings", [{"pairs": 0}, {"digits": 1}, {"pairs": 17, "rewrite": False}])
def test_what_cannot_be_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(BadConfig):
        RememberRewrite(**settings)
