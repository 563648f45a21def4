"""The world of keys and values, and the small model that recalls inside its window and not beyond."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from remanence.bench import recall

SCRIPT = Path(__file__).parent.parent / "scripts" / "train_recall.py"
SHIPPED = Path(__file__).parent / "data" / "recall"
WINDOW = 128


@pytest.fixture(scope="module")
def trainer() -> ModuleType:
    for needed in ("torch", "transformers", "safetensors"):
        pytest.importorskip(needed, reason=f"the model needs {needed}")
    spec = importlib.util.spec_from_file_location("train_recall", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shipped(trainer: ModuleType) -> Any:
    return trainer.LlamaForCausalLM.from_pretrained(SHIPPED).eval()


def test_the_rows_are_pinned() -> None:
    def rng() -> np.random.Generator:
        return np.random.default_rng(0)

    world = recall.contexts(rng(), rows=2, length=12, pairs=2)
    assert world.tokens.tolist() == [
        [0, 85, 9, 63, 74, 66, 67, 65, 2, 52, 85, 94],
        [0, 84, 16, 44, 85, 82, 82, 10, 64, 91, 86, 65],
    ]
    assert world.keys.tolist() == [[9, 2], [16, 10]] and world.values.tolist() == [[63, 52], [44, 64]]
    tokens, targets = recall.lessons(rng(), rows=1, length=12, pairs=2)
    assert tokens.tolist() == [[0, 85, 81, 8, 46, 66, 17, 48, 17, 48, 8, 46]]
    assert targets.tolist() == [[-100] * 8 + [48, -100, 46, -100]]
    tokens, targets = recall.cycles(rng(), rows=1, length=9, period=3)
    assert tokens.tolist() == [[0, 12, 93, 4, 12, 93, 4, 12, 93]]
    assert targets.tolist() == [[-100] * 4 + [93, 4, 12, 93, -100]]


@pytest.mark.parametrize(("length", "pairs"), [(3, 1), (9, 4), (65, 32), (100, 24), (500, 8)])
def test_a_context_holds_each_key_once_and_its_value_after_it(length: int, pairs: int) -> None:
    world = recall.contexts(np.random.default_rng(length), 200, length, pairs)
    assert world.tokens.shape == (200, length) and (world.tokens[:, 0] == recall.BOS).all()
    for row, keys, values in zip(world.tokens, world.keys, world.values, strict=True):
        at = np.flatnonzero(np.isin(row, recall.KEYS))
        assert row[at].tolist() == keys.tolist() and len(set(keys.tolist())) == pairs
        assert row[at + 1].tolist() == values.tolist() and np.isin(values, recall.VALUES).all()
        assert np.isin(np.delete(row, [0, *at, *(at + 1)]), recall.NOISE).all()


def test_pairs_stand_at_every_place_alike() -> None:
    world = recall.contexts(np.random.default_rng(0), 4000, 12, 1)
    seen = np.bincount(np.isin(world.tokens, recall.KEYS).argmax(1), minlength=12)
    assert seen[0] == seen[11] == 0
    assert (abs(seen[1:11] - 400) < 80).all(), "four standard deviations round a tenth each"


@pytest.mark.parametrize("pairs", [0, 5, 33])
def test_pairs_that_do_not_fit_are_refused(pairs: int) -> None:
    length = 10 if pairs < 33 else 1000
    with pytest.raises(ValueError, match=rf"pairs must be in \[1, {min(32, (length - 1) // 2)}\].*got {pairs}"):
        recall.contexts(np.random.default_rng(0), 1, length, pairs)


def test_a_lesson_asks_for_every_pair_once() -> None:
    tokens, targets = recall.lessons(np.random.default_rng(1), 50, 40, 6)
    assert tokens.shape == targets.shape == (50, 40)
    for row, target in zip(tokens, targets, strict=True):
        told = {row[at]: row[at + 1] for at in range(28) if row[at] in recall.KEYS}
        asked = row[28::2].tolist()
        assert sorted(asked) == sorted(told)
        assert [told[key] for key in asked] == row[29::2].tolist() == target[28::2].tolist()
        assert (np.delete(target, range(28, 40, 2)) == recall.UNGRADED).all()
    assert len({tuple(np.argsort(row[28::2])) for row in tokens}) > 40, "in another order each time"


def test_a_cycle_repeats_different_tokens() -> None:
    tokens, targets = recall.cycles(np.random.default_rng(3), 50, 20, 7)
    assert tokens.shape == targets.shape == (50, 20) and (tokens[:, 0] == recall.BOS).all()
    assert (tokens[:, 8:] == tokens[:, 1:-7]).all() and (tokens[:, 1:] != recall.BOS).all()
    assert all(len(set(row[1:8])) == 7 for row in tokens.tolist())
    assert (targets[:, 8:-1] == tokens[:, 9:]).all() and (np.delete(targets, range(8, 19), 1) == recall.UNGRADED).all()


def test_a_question_is_the_key_again() -> None:
    world = recall.contexts(np.random.default_rng(2), 5, 30, 3)
    tokens, answers = world.asked(2)
    assert (tokens[:, :-1] == world.tokens).all()
    for row, answer in zip(tokens.tolist(), answers.tolist(), strict=True):
        assert row[row.index(row[-1]) + 1] == answer


def test_the_world_needs_no_torch() -> None:
    code = "import sys, remanence.bench.recall; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_shipped_model_is_small_and_reads_back_in_single_precision(shipped: Any) -> None:
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 1_300_000
    assert str(shipped.dtype) == "torch.float32"
    assert shipped.config.max_position_embeddings == WINDOW and shipped.config.vocab_size == recall.VOCABULARY


def test_the_shipped_model_recalls_inside_its_window(trainer: ModuleType, shipped: Any) -> None:
    assert trainer.accuracy(shipped, 96, pairs=8) >= 0.97
    assert trainer.accuracy(shipped, WINDOW - 1, pairs=8) >= 0.97, "the question is the last token of the window"
    assert trainer.accuracy(shipped, 100, pairs=24) >= 0.85


def test_the_shipped_model_fails_beyond_its_window_by_full_attention(trainer: ModuleType, shipped: Any) -> None:
    assert trainer.accuracy(shipped, 4 * WINDOW, pairs=8, questions=64) <= 0.8
    assert trainer.accuracy(shipped, 8 * WINDOW, pairs=8, questions=32) <= 0.3


def test_a_few_steps_learn_something(trainer: ModuleType) -> None:
    stages = (trainer.Stage(length=13, rows=8, steps=60), trainer.Stage(length=16, rows=8, steps=4, pairs=3))
    seen: list[tuple[str, int, int]] = []
    _, losses = trainer.train(stages, 0, 5.0, lambda *said: seen.append(said))
    assert len(losses) == len(seen) == 64 and seen[-1][1:] == (4, 4)
    assert np.mean(losses[50:60]) < np.mean(losses[:10]) - 0.25


def test_a_stage_ends_when_enough_is_right(trainer: ModuleType) -> None:
    _, losses = trainer.train((trainer.Stage(length=13, rows=2, steps=30, enough=0.0),), 0, 5.0, lambda *_: None)
    assert len(losses) == 10


def test_a_model_that_was_not_made_in_time_is_not_a_model(trainer: ModuleType) -> None:
    with pytest.raises(SystemExit, match="not trained in 0 minutes: stage 1 of 3, step 0"):
        trainer.train(trainer.STAGES, 0, 0.0, lambda *_: None)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_script_makes_a_model_as_good_as_the_shipped_one(trainer: ModuleType, tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--out", str(tmp_path / "made"), "--minutes", "15", "--seed", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == "", "silent in a pipe"
    made = trainer.LlamaForCausalLM.from_pretrained(tmp_path / "made")
    assert {file.name for file in (tmp_path / "made").iterdir()} == {file.name for file in SHIPPED.iterdir()}
    test_the_shipped_model_recalls_inside_its_window(trainer, made)
    test_the_shipped_model_fails_beyond_its_window_by_full_attention(trainer, made)
