"""Put tasks to several memories and compare what they score and cost.

\b
    remanence bench
    remanence bench locomo --data data/ --memory words --memory hybrid --memory embed:static
    remanence bench locomo --data data/ --limit 200 --seed 1 --out results.jsonl
    remanence bench locomo multihop conflict --data data/ --memory all --out results.jsonl --resume
    remanence bench needle --set model=recall --memory full --memory top_blocks --set top_blocks.block=8

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
    from remanence.bench.row import Row

TASKS = Path(__file__).parents[1] / "bench" / "tasks"


@command
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--memory", "methods", multiple=True, metavar="NAME", help="A method, embed:NAME, or all; repeatable.")
@click.option("--data", metavar="FOLDER", help="Where the downloaded data lies.")
@click.option("--set", "about", multiple=True, metavar="[NAME.]KEY=VALUE", callback=pairs, help="Of a task or memory.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which of the worlds that could be.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop a task after so many questions.")
@click.option("--metric", "metrics", multiple=True, metavar="[TASK.]NAME", help="Show this number; may be repeated.")
@click.option("--by", default="", metavar="TAG", help="A line for each value of this tag, such as category.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Append the results here, a line each.")
@click.option("--resume", is_flag=True, help="Do not measure again what --out holds of the same code and settings.")
def bench(run: Run, tasks: tuple[str, ...], **chosen: Any) -> Answer:
    if not tasks:
        return _tasks()
    if chosen["resume"] and not chosen["out"]:
        raise click.UsageError("--resume goes on with the file that --out names")
    if chosen["by"] and len(tasks) > 1:
        raise click.UsageError("--by is for one task")
    rows = _measured(run, tasks, chosen)
    failed = ", ".join(dict.fromkeys(f"{row.memory}: {row.error}" for row in rows if row.status == "failed"))
    return Answer({"rows": [asdict(row) for row in rows]}, text=_shown(rows, tasks, chosen), failed=failed)


def _measured(run: Run, names: tuple[str, ...], chosen: dict[str, Any]) -> "list[Row]":
    """The rows, each written to the file as soon as it is there."""
    from remanence.bench.contenders import apart, contenders
    from remanence.bench.progress import Bar
    from remanence.bench.rows import read
    from remanence.bench.several import several, tasks
    from remanence.opening import EMBEDDER, LANGUAGE_MODEL, METHOD
    from remanence.registry import build

    methods, out = chosen["methods"] or (METHOD,), chosen["out"]
    of_tasks, of_memories = apart(chosen["about"], methods)
    asked = tasks(names, of_tasks, chosen["data"])
    services = {
        "embed": service(run.settings, "embed") or build("embed", EMBEDDER),
        "lm": service(run.settings, "lm") or LANGUAGE_MODEL,
    }
    forms = list(dict.fromkeys(form for task in asked for form in task.forms))
    memories = contenders(methods, forms, services, of_memories)
    held = read(out) if chosen["resume"] and out.exists() else []
    rows = []
    with closing(Bar()) as bar:
        how = {"seed": chosen["seed"], "limit": chosen["limit"], "progress": bar, "held": held}
        for row in several(asked, memories, **how):
            rows.append(row)
            if out and row not in held:
                with out.open("a", encoding="utf-8") as file:
                    file.write(row.json() + "\n")
    return rows


def _shown(rows: "list[Row]", names: tuple[str, ...], chosen: dict[str, Any]) -> str:
    from remanence.bench.summary import summary
    from remanence.bench.table import table

    if len(set(names)) > 1:
        return summary(rows, chosen["metrics"])
    return table(rows, [metric.removeprefix(f"{names[0]}.") for metric in chosen["metrics"]], by=chosen["by"])


def _tasks() -> Answer:
    from remanence.registry import names

    files = {name: TASKS / f"{name}.py" for name in names("bench/tasks")}
    tasks = {name: first_line(file) if file.exists() else "" for name, file in files.items()}  # others may add tasks
    return Answer({"tasks": tasks}, rows=list(tasks.items()), head=("task", "what it asks"))
