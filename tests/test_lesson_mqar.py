"""Pairs first, each key asked once, its value never shown after it: pinned, so that scores can be compared."""

import pytest

torch = pytest.importorskip("torch")

from remanence.bench.lessons.base import UNASKED  # noqa: E402
from remanence.bench.lessons.mqar import MQAR  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

PINNED_IDS = [
    [8, 14, 2, 12, 0, 0, 0, 0, 0, 0, 8, 0, 2, 0, 0, 0],
    [9, 10, 8, 19, 9, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [9, 14, 4, 17, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0],
]
PINNED_ASKED = [[(10, 14), (12, 12)], [(4, 10), (6, 19)], [(4, 14), (14, 17)]]


def drawn(lesson: MQAR, n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    made = lesson.examples(n, torch.Generator().manual_seed(seed))
    return made.ids, made.labels


def test_three_examples_are_pinned() -> None:
    ids, labels = drawn(MQAR(vocabulary=20, length=16, pairs=2), 3)
    assert ids.tolist() == PINNED_IDS
    assert [[(t, int(x)) for t, x in enumerate(row) if x != UNASKED] for row in labels] == PINNED_ASKED


def test_each_key_is_asked_once_and_labelled_with_its_value() -> None:
    ids, labels = drawn(MQAR(pairs=8), 200)
    for row, asked in zip(ids.tolist(), labels.tolist(), strict=True):
        told = dict(zip(row[0:16:2], row[1:16:2], strict=True))
        assert len(told) == len(set(told.values())) == 8
        assert all(1 <= key < 128 <= value < 256 for key, value in told.items())
        where = [t for t, label in enumerate(asked) if label != UNASKED]
        assert sorted(row[t] for t in where) == sorted(told)
        assert all(asked[t] == told[row[t]] and t >= 16 and t % 2 == 0 for t in where)
        assert all(row[t] == 0 for t in range(16, 64) if t not in where)


def test_short_distances_are_likely() -> None:
    _, labels = drawn(MQAR(pairs=1), 4000)
    distance = ((labels != UNASKED).float().argmax(1) - 2) // 2 + 1
    share = [float((distance == g).float().mean()) for g in (1, 2, 4)]
    space = torch.arange(1, 32, dtype=torch.float64) ** -0.99
    expected = (space / space.sum())[[0, 1, 3]].tolist()
    assert share == pytest.approx(expected, abs=0.02)


def test_noise_fills_what_is_not_asked() -> None:
    ids, _ = drawn(MQAR(noise=True), 50)
    assert float((ids == 0).float().mean()) < 0.02


@pytest.mark.parametrize("settings", [{"pairs": 17}, {"length": 63}, {"length": 256}, {"pairs": 0}])
def test_what_cannot_be_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(BadConfig):
        MQAR(**settings)
