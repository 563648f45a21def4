"""Teach a model a lesson and examine it: the one trainer, for any lesson and any layer.

Source:  the recipe follows Arora et al. 2023 (arXiv 2312.04927): AdamW with weight decay 0.1, a warm-up and a cosine.
         Always teach at several learning rates: recall is learned in a narrow range of them (arXiv 2508.19029), so a
         single one ranks layers wrongly.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F

from remanence.bench.lessons.base import UNASKED, Base, Examples
from remanence.bench.together import Together
from remanence.layers.lm.config import LMConfig
from remanence.layers.lm.model import LM

EXAM_SEED = 99  # examples of the examination are never taught
ALONE = Together()
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Recipe:
    """How a model is taught. It is examined every `examine` steps, and done when it is right often enough."""

    steps: int = 4000
    batch: int = 64
    lr: float = 0.003
    weight_decay: float = 0.1
    warm_up: int = 100  # steps
    clip: float = 1.0  # the norm of a gradient at most
    examine: int = 50  # steps
    exam: int = 1000  # examples
    enough: float = 0.99  # accuracy at which to stop
    seconds: float = 600.0  # of CPU, after which one process alone stops
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 1: up in a line, then down a cosine."""
        down = (1 + math.cos(math.pi * step / self.steps)) / 2
        return self.lr * min(1, step / max(1, self.warm_up)) * down


@dataclass(frozen=True)
class Learned:
    """How far it came. `accuracy` is that of the last examination, `best` of the best one."""

    accuracy: float
    best: float
    loss: float
    steps: int
    cpu_s: float
    parameters: int
    state_bytes: int  # of one sequence, after it was read

    def json(self) -> dict[str, Any]:
        return asdict(self)


def learn(
    lesson: Base, config: LMConfig, recipe: Recipe, progress: Progress | None = None, group: Together = ALONE
) -> tuple[LM, Learned]:
    """A new model, taught by this recipe; by all processes of the group together."""
    torch.manual_seed(recipe.seed)
    model = LM(config)
    began = time.process_time()
    exam = lesson.exam(recipe.exam, torch.Generator().manual_seed(EXAM_SEED))
    parameters, kept = sum(p.numel() for p in model.parameters()), state_bytes(model, exam)
    learned = Learned(0.0, 0.0, float("nan"), 0, 0.0, parameters, kept)
    for step, loss in _steps(model, lesson, recipe, group):
        if step % recipe.examine and step < recipe.steps:
            continue
        accuracy = examined(model, exam)
        best = max(learned.best, accuracy)
        learned = Learned(accuracy, best, loss, step, time.process_time() - began, parameters, kept)
        if progress and group.speaks:
            progress(f"{config.mixer} {accuracy:.3f}", step, recipe.steps)
        if accuracy > recipe.enough or (learned.cpu_s > recipe.seconds and group.size == 1):
            break
    return model, learned


@torch.no_grad()
def examined(model: LM, exam: Examples, batch: int = 250) -> float:
    """The share of asked positions at which the likeliest token is the right one."""
    model.eval()
    right = asked = 0
    for ids, labels in zip(exam.ids.split(batch), exam.labels.split(batch), strict=True):
        where = labels != UNASKED
        said = model.head(model.hidden(ids, None, None)[0][where]).argmax(-1)
        right += int((said == labels[where]).sum())
        asked += int(where.sum())
    model.train()
    return right / asked


@torch.no_grad()
def state_bytes(model: LM, exam: Examples) -> int:
    """What one sequence leaves behind."""
    return model.hidden(exam.ids[:1], None, None)[1].nbytes


def _steps(model: LM, lesson: Base, recipe: Recipe, group: Together) -> Iterator[tuple[int, float]]:
    """Every step, with the loss of this process' share."""
    generator = torch.Generator().manual_seed(recipe.seed + 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    model.train()
    for step in range(1, recipe.steps + 1):
        for parameters in optimizer.param_groups:
            parameters["lr"] = recipe.rate(step)
        given = lesson.examples(recipe.batch, generator)
        asked = int((given.labels != UNASKED).sum())
        ids, labels = group.share(given.ids), group.share(given.labels)
        where = labels != UNASKED  # logits only where something is asked
        said = model.head(model.hidden(ids, None, None)[0][where])
        loss = F.cross_entropy(said, labels[where], reduction="sum") / asked
        optimizer.zero_grad()
        loss.backward()
        group.add_up(p.grad for p in model.parameters())
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()
        yield step, float(loss.detach())
