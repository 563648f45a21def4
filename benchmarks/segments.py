"""Does a segment memory hold on for longer than it was taught to? Taught on a few segments, asked on many.

    python benchmarks/segments.py remember_rewrite armt --of digits=4 --made tokens=1
    python benchmarks/segments.py needle_tokens armt rmt --segment 8 --of noise=4

A segment of remember_rewrite is one pair, and the question a segment more; needle_tokens is cut into segments of
--segment tokens, the question in the last. The course goes from one segment to --taught, one more whenever `PASSED` of
the last answers to the longest are right; half of the steps are the longest, half any up to it. The rate stays as it is
until the course is passed, and then falls to nothing in --after steps.
A line of JSON for each run goes to --out; runs that stand there already are not repeated.
"""

import argparse
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
import torch.nn.functional as F

from remanence.bench.learning import EXAM_SEED
from remanence.bench.lessons.base import UNASKED, Base
from remanence.bench.lessons.needle_tokens import NeedleTokens
from remanence.bench.lessons.remember_rewrite import RememberRewrite
from remanence.layers.contract.segment import SegmentRunner
from remanence.layers.lm.decoder import Decoder
from remanence.registry import build

Run = dict[str, Any]
Lesson = Callable[[int], Base]  # of so many segments
ASKED_AT = (1, 2, 4, 8, 16, 32)
PASSED, LAST = 0.95, 40
BATCH, WARM_UP = 64, 100


def main() -> None:
    about = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    about.add_argument("lesson", choices=["remember_rewrite", "needle_tokens"])
    about.add_argument("memories", nargs="+")
    about.add_argument("--segment", type=int, default=16, help="tokens, of needle_tokens")
    about.add_argument("--taught", type=int, default=4, help="segments at most")
    about.add_argument("--of", action="append", default=[], help="NAME=NUMBER of the lesson")
    about.add_argument("--made", action="append", default=[], help="NAME=NUMBER of the memory")
    about.add_argument("--width", type=int, default=32)
    about.add_argument("--depth", type=int, default=2)
    about.add_argument("--after", type=int, default=1000, help="steps")
    about.add_argument("--decay", type=float, default=0.1, help="of weights")
    about.add_argument("--rates", type=float, nargs="+", default=[0.001, 0.003, 0.01])
    about.add_argument("--seeds", type=int, default=1)
    about.add_argument("--seconds", type=float, default=600, help="of CPU, a run at most")
    about.add_argument("--out", type=Path, default=Path("segments.jsonl"))
    asked = about.parse_args()
    torch.set_num_threads(1)
    asked.of, asked.made = (
        {name: json.loads(value) for name, value in (pair.split("=") for pair in pairs)}
        for pairs in (asked.of, asked.made)
    )
    done = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.exists() else []
    rows = []
    for wanted in _runs(asked):
        row = next((row for row in done if wanted.items() <= row.items()), None)
        if row is None:
            row = wanted | _taught(wanted, _lesson(asked), asked)
            with asked.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        rows.append(row)
    print(_table(rows))


def _runs(asked: argparse.Namespace) -> Iterator[Run]:
    shape = {
        name: getattr(asked, name) for name in ("lesson", "of", "made", "taught", "width", "depth", "decay", "after")
    }
    shape |= {"segment": asked.segment} if asked.lesson == "needle_tokens" else {}
    for seed in range(asked.seeds):
        for memory in asked.memories:
            for lr in asked.rates:
                yield shape | {"memory": memory, "lr": lr, "seed": seed}


def _lesson(asked: argparse.Namespace) -> Lesson:
    if asked.lesson == "remember_rewrite":
        return lambda n: RememberRewrite(pairs=n, **asked.of)
    return lambda n: NeedleTokens(length=n * asked.segment, **asked.of)


def _taught(run: Run, lesson: Lesson, asked: argparse.Namespace) -> Run:
    torch.manual_seed(run["seed"])
    backbone = Decoder(lesson(1).vocab_size, asked.width, asked.depth)
    memory = build("layers", run["memory"], width=asked.width, depth=asked.depth, **asked.made)
    segment = RememberRewrite(**asked.of).segment_len if asked.lesson == "remember_rewrite" else asked.segment
    runner = SegmentRunner(backbone, memory, segment)
    parameters = [*backbone.parameters(), *memory.parameters()]
    optimizer = torch.optim.AdamW(parameters, weight_decay=asked.decay, betas=(0.9, 0.95))
    generator = torch.Generator().manual_seed(run["seed"] + 1)
    began, step, longest, passed, right = time.process_time(), 0, 1, [], deque[float](maxlen=LAST)
    while time.process_time() - began < asked.seconds:
        step += 1
        left = 1 - (step - passed[-1]) / asked.after if longest > asked.taught else 1.0
        if left <= 0:
            break
        for group in optimizer.param_groups:
            group["lr"] = run["lr"] * left * min(1, step / WARM_UP)
        top = min(longest, asked.taught)
        n = top if step % 2 else int(torch.randint(1, top + 1, (), generator=generator))
        loss, accuracy = _answers(runner, lesson(n), BATCH, generator)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if n == longest:
            right.append(accuracy)
        if len(right) == LAST and fmean(right) > PASSED:
            longest, _ = longest + 1, right.clear()
            passed.append(step)
    learned = {"steps": step, "passed": passed, "last": fmean(right) if right else None}
    learned |= {"cpu_s": time.process_time() - began, "parameters": sum(p.numel() for p in parameters)}
    return learned | _examined(runner, lesson)


def _answers(
    runner: SegmentRunner[Any], lesson: Base, n: int, generator: torch.Generator
) -> tuple[torch.Tensor, float]:
    """The loss, and how many are right."""
    given = lesson.examples(n, generator)
    where = given.labels != UNASKED
    said, labels = runner(given.ids)[0][where], given.labels[where]
    return F.cross_entropy(said, labels), float((said.argmax(-1) == labels).float().mean())


@torch.no_grad()
def _examined(runner: SegmentRunner[Any], lesson: Lesson) -> Run:
    generator = torch.Generator().manual_seed(EXAM_SEED)
    accuracy = {str(n): _answers(runner, lesson(n), 500, generator)[1] for n in ASKED_AT}
    state = runner(lesson(1).examples(1, generator).ids)[1]
    return {"accuracy": accuracy, "chance": lesson(ASKED_AT[-1]).chance, "state_bytes": state.nbytes}


def _table(rows: list[Run]) -> str:
    lines = [f"| memory | rate | {' | '.join(map(str, ASKED_AT))} segments | steps | CPU s | state bytes |"]
    lines.append("|---|---|" + "---|" * (len(ASKED_AT) + 3))
    for row in rows:
        accuracy = " | ".join(f"{row['accuracy'][str(n)]:.3f}" for n in ASKED_AT)
        cost = f"{row['steps']} | {row['cpu_s']:.0f} | {row['state_bytes']}"
        lines.append(f"| {row['memory']} | {row['lr']} | {accuracy} | {cost} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
