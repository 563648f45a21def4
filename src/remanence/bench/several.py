"""Several tasks put to all memories that can take them, without measuring again what is known already."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from remanence.bench.base import Contender
from remanence.bench.row import Row, versions
from remanence.bench.run import Progress, name_of, run, settings_of
from remanence.bench.tasks.base import Base as Task
from remanence.errors import BadConfig, RemanenceError, UnknownName, one_of
from remanence.registry import build, load


def tasks(names: Sequence[str], settings: Mapping[str, Any], data: str | None = None) -> list[Task]:
    """Each task with its settings: "groups" is of the one task that has it, "conflict.groups" of the one named."""
    names = list(dict.fromkeys(names))
    fields = {name: load("bench/tasks", name).__dataclass_fields__.keys() for name in names}
    given: dict[str, dict[str, Any]] = {name: {"data": data} if data else {} for name in names}
    for key, value in settings.items():
        name, dot, setting = key.partition(".")
        if not dot:
            takers, setting = [name for name in names if key in fields[name]], key
            if len(takers) > 1:
                raise BadConfig(f"{' and '.join(takers)} have a setting {key!r}: say {takers[0]}.{key}=...")
            name = takers[0] if takers else names[0]
        if name not in given:
            raise UnknownName(one_of("task that is asked for", name, names))
        given[name][setting] = value
    return [build("bench/tasks", name, **given[name]) for name in names]


def several(
    tasks: Sequence[Task],
    contenders: Sequence[Contender],
    *,
    seed: int = 0,
    limit: int | None = None,
    progress: Progress | None = None,
    held: Sequence[Row] = (),
) -> Iterator[Row]:
    """Task by task a row for each contender of a form that the task takes, as it is done, or from `held`.

    A contender that no task takes is refused.
    """
    for contender in contenders:
        if not any(contender.form in task.forms for task in tasks):
            next(run(tasks[0], [contender]))  # which says why not
    for task in tasks:
        for contender in contenders:
            if contender.form in task.forms:
                known = _known(held, task, contender, seed, limit) if held else None
                yield known or next(run(task, [contender], seed=seed, limit=limit, progress=progress))


def _known(held: Sequence[Row], task: Task, contender: Contender, seed: int, limit: int | None) -> Row | None:
    """The row that measuring would give again: the same question, memory, settings and code, and it did not fail."""
    try:
        about = contender.about()
    except RemanenceError:
        return None  # it will be said again in its row
    asked = {
        "form": contender.form, "memory": contender.name, "task": name_of(task), "seed": seed, "limit": limit,
        "task_settings": settings_of(task), "settings": about.get("settings", {}), "lm": about.get("lm", ""),
        "embedder": about.get("embedder", ""), "versions": versions() | about.get("versions", {}), "status": "done",
    }  # fmt: skip
    plain = json.loads(json.dumps(asked))
    return next((row for row in held if all(getattr(row, key) == value for key, value in plain.items())), None)
