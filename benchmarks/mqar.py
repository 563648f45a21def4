"""Which layers recall, how fast they learn to, and on how much state: MQAR over learning rates and seeds.

    python benchmarks/mqar.py --pairs 16 --width 32 --steps 2500 deltanet attention linear_attention
    python benchmarks/mqar.py --pairs 4 --width 64 --steps 1000 deltanet gated_deltanet based mom
    python benchmarks/mqar.py --pairs 4 --width 64 --steps 1000 --out docs/results/mqar.jsonl --plot mqar.svg

A line of JSON for each run goes to --out; runs that stand there already are not repeated, so that a sweep can be cut.
The table has a line for each layer and rate: best accuracy of each seed, steps and CPU seconds of the median one.
Without layers, nothing is taught and all such runs of --out are shown. --plot draws, of the runs shown, the best rate
of each layer against the bytes of a sequence's state.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, median
from typing import Any
from xml.etree.ElementTree import Element

import torch

from remanence.bench.learning import Recipe, learn
from remanence.bench.lessons.mqar import MQAR
from remanence.bench.plot.markup import alone
from remanence.bench.plot.scatter import Point, scatter
from remanence.bench.progress import Bar
from remanence.layers.lm.config import LMConfig

Run = dict[str, Any]


def main() -> None:
    about = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    about.add_argument("layers", nargs="*")
    about.add_argument("--pairs", type=int, default=4)
    about.add_argument("--width", type=int, default=64)
    about.add_argument("--length", type=int, default=64)
    about.add_argument("--steps", type=int, default=1000)
    about.add_argument("--rates", type=float, nargs="+", default=[0.003, 0.01, 0.03])
    about.add_argument("--seeds", type=int, default=3)
    about.add_argument("--seconds", type=float, default=180, help="of CPU, a run at most")
    about.add_argument("--out", type=Path, default=Path("mqar.jsonl"))
    about.add_argument("--plot", type=Path, help="an SVG")
    asked = about.parse_args()
    torch.set_num_threads(1)
    done = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.exists() else []
    rows = [] if asked.layers else sorted((row for row in done if _about(asked).items() <= row.items()), key=_order)
    for wanted in _runs(asked):
        row = next((row for row in done if wanted.items() <= row.items()), None)
        if row is None:
            row = wanted | _taught(wanted, asked.seconds)
            with asked.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        rows.append(row)
    print(_table(rows))
    if asked.plot:
        asked.plot.write_text(alone(_plot(rows)), encoding="utf-8")


def _runs(asked: argparse.Namespace) -> Iterator[Run]:
    for seed in range(asked.seeds):  # whatever is cut off, all layers have come as far
        for layer in asked.layers:
            for lr in asked.rates:
                yield {"layer": layer, "lr": lr, "seed": seed} | _about(asked)


def _about(asked: argparse.Namespace) -> Run:
    return {f"of_{name}": getattr(asked, name) for name in ("pairs", "width", "length", "steps")}


def _order(row: Run) -> tuple[str, float, int]:
    return row["layer"], row["lr"], row["seed"]


def _taught(run: Run, seconds: float) -> Run:
    bar = Bar(sys.stderr)
    recipe = Recipe(steps=run["of_steps"], lr=run["lr"], seed=run["seed"], seconds=seconds)
    lesson = MQAR(pairs=run["of_pairs"], length=run["of_length"])
    _, learned = learn(lesson, LMConfig(lesson.vocab_size, run["of_width"], mixer=run["layer"]), recipe, bar)
    bar.close()
    return learned.json()


def _table(rows: list[Run]) -> str:
    lines = ["| layer | rate | best accuracy of each seed | steps | CPU s | state bytes |", "|---|---|---|---|---|---|"]
    for (layer, lr), runs in _same(rows).items():
        best = " / ".join(f"{run['best']:.3f}" for run in runs)
        steps, cpu = median(run["steps"] for run in runs), median(run["cpu_s"] for run in runs)
        lines.append(f"| {layer} | {lr} | {best} | {steps:.0f} | {cpu:.0f} | {runs[0]['state_bytes']} |")
    return "\n".join(lines)


def _plot(rows: list[Run]) -> Element:
    """Of each layer the mean of the seeds at the rate at which that is highest."""
    points: dict[str, Point] = {}
    for (layer, _), runs in _same(rows).items():
        point = Point(layer, runs[0]["state_bytes"], fmean(run["best"] for run in runs))
        points[layer] = max(points.get(layer, point), point, key=lambda p: p.y)
    about = rows[0]
    of = f"MQAR accuracy, {about['of_pairs']} pairs, width {about['of_width']}, at most {about['of_steps']} steps"
    return scatter(list(points.values()), "bytes of state a sequence", of)


def _same(rows: list[Run]) -> dict[tuple[str, float], list[Run]]:
    same: dict[tuple[str, float], list[Run]] = defaultdict(list)
    for row in rows:
        same[row["layer"], row["lr"]].append(row)
    return same


if __name__ == "__main__":
    main()
