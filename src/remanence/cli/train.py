"""Teach small models a lesson, each layer at several learning rates and seeds, and compare how well they know it.

\b
    remanence train
    remanence train mqar --mixer deltanet --mixer linear_attention --width 64 --set pairs=8
    remanence train mqar --mixer titans --lr 0.01 --seeds 1 --save model/ --out runs.jsonl
    torchrun --nproc-per-node 2 -m remanence train mqar --mixer based

Without a lesson the lessons are listed. Recall is learned in a narrow range of learning rates: a single one misleads.
"""

import json
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remanence.cli.parts.about import first_line
from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command, pairs
from remanence.cli.parts.run import Run

if TYPE_CHECKING:
    from remanence.bench.learning import Learned
    from remanence.bench.together import Together

LESSONS = Path(__file__).parents[1] / "bench" / "lessons"
HEAD = ("mixer", "lr", "seed", "accuracy", "best", "steps", "CPU s", "state bytes", "parameters")


@command
@click.argument("lesson", default="")
@click.option("--mixer", "mixers", multiple=True, metavar="NAME", default=("gated_deltanet",), show_default=True)
@click.option("--feed-forward", default="", metavar="NAME", help="A layer after each mixer.")
@click.option("--width", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--depth", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--lr", "rates", type=float, multiple=True, default=(0.003, 0.01, 0.03), show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="So many, from 0.")
@click.option("--steps", type=click.IntRange(min=1), default=2000, show_default=True)
@click.option("--batch", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--set", "about", multiple=True, metavar="KEY=VALUE", callback=pairs, help="A setting of the lesson.")
@click.option("--save", type=click.Path(path_type=Path), metavar="FOLDER", help="Keep the best model here.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Append the results here, a line each.")
def train(run: Run, lesson: str, **chosen: Any) -> Answer:
    if not lesson:
        return _lessons()
    from remanence.bench.together import together

    with together() as group:
        return _taught(lesson, chosen, group)


def _taught(lesson: str, chosen: dict[str, Any], group: "Together") -> Answer:
    from remanence.bench.learning import Recipe, learn
    from remanence.bench.progress import Bar
    from remanence.layers.lm.config import LMConfig
    from remanence.registry import build

    task, rows, best = build("bench/lessons", lesson, **chosen["about"]), [], -1.0
    with closing(Bar()) as bar:
        for mixer, lr, seed in product(chosen["mixers"], chosen["rates"], range(chosen["seeds"])):
            config = LMConfig(
                task.vocab_size, chosen["width"], chosen["depth"], mixer, feed_forward=chosen["feed_forward"]
            )
            recipe = Recipe(steps=chosen["steps"], batch=chosen["batch"], lr=lr, seed=seed)
            model, learned = learn(task, config, recipe, bar, group)
            rows.append(_row(mixer, lr, seed, learned))
            if group.speaks and chosen["out"]:
                with chosen["out"].open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"lesson": lesson, "about": chosen["about"], **rows[-1]}) + "\n")
            if group.speaks and chosen["save"] and learned.accuracy > best:
                best = learned.accuracy
                model.save_pretrained(chosen["save"])
    shown = [tuple(f"{x:.3f}" if isinstance(x, float) else str(x) for x in row.values()) for row in rows]
    return Answer({"lesson": lesson, "runs": rows}, rows=shown if group.speaks else [], head=HEAD)


def _row(mixer: str, lr: float, seed: int, learned: "Learned") -> dict[str, Any]:
    about = {"mixer": mixer, "lr": lr, "seed": seed, "accuracy": learned.accuracy, "best": learned.best}
    cost = {"steps": learned.steps, "cpu_s": round(learned.cpu_s, 1), "state_bytes": learned.state_bytes}
    return about | cost | {"parameters": learned.parameters}


def _lessons() -> Answer:
    from remanence.registry import names

    files = {name: LESSONS / f"{name}.py" for name in names("bench/lessons")}
    lessons = {name: first_line(file) if file.exists() else "" for name, file in files.items()}  # others may add some
    return Answer({"lessons": lessons}, rows=list(lessons.items()), head=("lesson", "what it asks"))
