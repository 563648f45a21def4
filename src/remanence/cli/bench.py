"""Put a task to several memories and compare what they score and cost.

\b
    remanence bench
    remanence bench locomo --data data/ --memory words --memory hybrid --memory embed:static
    remanence bench locomo --data data/ --limit 200 --seed 1 --out results.jsonl

Without a task the tasks are listed. Every memory is a fresh one in a temporary folder; yours is not touched.
"""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remanence.cli.parts.about import first_line
from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command, pairs
from remanence.cli.parts.run import Run
from remanence.cli.parts.services import service

if TYPE_CHECKING:
    from remanence.bench.base import Contender

TASKS = Path(__file__).parents[1] / "bench" / "tasks"
ALONE = "embed:"  # before the name of an embedder that is measured without a memory


@command
@click.argument("task", default="")
@click.option("--memory", "methods", multiple=True, metavar="NAME", help="A method, or embed:NAME; may be repeated.")
@click.option("--data", metavar="FOLDER", help="Where the downloaded data lies.")
@click.option("--set", "about", multiple=True, metavar="KEY=VALUE", callback=pairs, help="A setting of the task.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which of the worlds that could be.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after so many questions.")
@click.option("--by", default="", metavar="TAG", help="A line for each value of this tag, such as category.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Append the results here, a line each.")
def bench(run: Run, task: str, **chosen: Any) -> Answer:
    if not task:
        return _tasks()
    from remanence.bench.progress import Bar
    from remanence.bench.run import run as measure
    from remanence.bench.table import table
    from remanence.registry import build

    about = chosen["about"] | ({"data": chosen["data"]} if chosen["data"] else {})
    rows = []
    with closing(Bar()) as bar:
        contenders = _contenders(run, chosen["methods"])
        for row in measure(
            build("bench/tasks", task, **about),
            contenders,
            seed=chosen["seed"],
            limit=chosen["limit"],
            progress=bar,
        ):
            rows.append(row)
            if chosen["out"]:
                with chosen["out"].open("a", encoding="utf-8") as file:
                    file.write(row.json() + "\n")
    failed = ", ".join(f"{row.memory}: {row.error}" for row in rows if row.status == "failed")
    return Answer({"rows": [asdict(row) for row in rows]}, text=table(rows, by=chosen["by"]), failed=failed)


def _tasks() -> Answer:
    from remanence.registry import names

    files = {name: TASKS / f"{name}.py" for name in names("bench/tasks")}
    tasks = {name: first_line(file) if file.exists() else "" for name, file in files.items()}  # others may add tasks
    return Answer({"tasks": tasks}, rows=list(tasks.items()), head=("task", "what it asks"))


def _contenders(run: Run, methods: tuple[str, ...]) -> "list[Contender]":
    from remanence.bench.embedder_alone import EmbedderAlone
    from remanence.bench.text_memory import TextMemory
    from remanence.opening import EMBEDDER, LANGUAGE_MODEL, METHOD

    embed = service(run.settings, "embed") or EMBEDDER
    lm = service(run.settings, "lm") or LANGUAGE_MODEL
    made: list[Contender] = []
    for name in methods or (METHOD,):
        if name.startswith(ALONE):
            made.append(EmbedderAlone(name.removeprefix(ALONE)))
        else:
            made.append(TextMemory(name, embed, lm))
    return made
