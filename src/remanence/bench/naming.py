"""Names that tell results apart when one memory was measured in several ways."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from remanence.bench.row import Row


def named(rows: Sequence[Row]) -> dict[str, Row]:
    """Each row under its memory's name and, where one memory has several rows, the settings in which these differ."""
    names: dict[str, Row] = {}
    for row in rows:
        ways = [_ways(other) for other in rows if (other.form, other.memory) == (row.form, row.memory)]
        own = _ways(row)
        differing = [f"{key}={said}" for key, said in own.items() if any(way.get(key) != said for way in ways)]
        name = " ".join([row.memory, *differing])
        count = sum(taken == name or taken.startswith(f"{name} #") for taken in names)
        names[f"{name} #{count + 1}" if count else name] = row
    return names


def latest(rows: Sequence[Row]) -> list[Row]:
    """Without those that were measured again later in the same way, in the order in which each way first came."""
    last: dict[str, Row] = {}
    for row in rows:
        last[plain(row.form, row.memory, row.task, row.task_settings, row.seed, row.limit, _ways(row))] = row
    return list(last.values())


def short(commit: str) -> str:
    """As much of a commit as people need, and whether the code was changed since; "unknown" where there is none."""
    number, dash, changed = commit.partition("-")
    return f"{number[:8]}{dash}{changed}" or "unknown"


def plain(*values: Any) -> str:
    """The same text for the same values."""
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


def _ways(row: Row) -> Mapping[str, str]:
    own = {key: str(value) for key, value in row.settings.items()}
    return own | {"embedder": row.embedder, "lm": row.lm, "commit": short(row.commit)}
