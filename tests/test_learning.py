"""A model is taught, stops when it knows, and says what it cost; the same seed teaches the same."""

from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from remanence.bench.learning import Recipe, learn  # noqa: E402
from remanence.bench.lessons.base import Base, Examples  # noqa: E402
from remanence.layers.lm.config import LMConfig  # noqa: E402

torch.set_num_threads(1)


@dataclass
class Repeat(Base):
    """Say the token you have just read: what a layer needs no memory for."""

    @property
    def vocab_size(self) -> int:
        return 8

    def examples(self, n: int, generator: torch.Generator) -> Examples:
        ids = torch.randint(8, (n, 6), generator=generator)
        return Examples(ids, ids)


SMALL = LMConfig(vocab_size=8, width=16, depth=1, mixer="deltanet")
QUICK = Recipe(steps=200, batch=16, lr=0.01, warm_up=10, examine=20, exam=50)


def test_it_stops_when_it_knows() -> None:
    _, learned = learn(Repeat(), SMALL, QUICK)
    assert learned.accuracy > QUICK.enough
    assert learned.steps < QUICK.steps
    assert learned.steps % QUICK.examine == 0


def test_it_stops_when_its_time_is_up() -> None:
    _, learned = learn(Repeat(), SMALL, Recipe(steps=200, batch=16, lr=0.0, warm_up=10, examine=20, exam=50, seconds=0))
    assert learned.steps == 20
    assert learned.accuracy < 0.9


def test_the_same_seed_teaches_the_same() -> None:
    (_, a), (_, b) = (learn(Repeat(), SMALL, QUICK) for _ in range(2))
    assert (a.accuracy, a.loss, a.steps) == (b.accuracy, b.loss, b.steps)


def test_the_state_is_weighed_after_reading() -> None:
    model, learned = learn(Repeat(), SMALL, QUICK)
    convs = 3 * 3 * 16
    assert learned.state_bytes == 4 * (16 * 16 + convs)
    assert learned.parameters == sum(p.numel() for p in model.parameters())
