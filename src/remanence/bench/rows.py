"""Results read back from their file, a row a line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remanence.bench.average import Average
from remanence.bench.clock import Timing
from remanence.bench.row import SCHEMA, Cost, Row
from remanence.errors import BadInput

TIMINGS = ("write", "read", "ask", "advance")


def read(path: Path) -> list[Row]:
    """The rows of a file, as they were when they were written."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            rows.append(row(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(f"{path} line {number} is no result of the bench: {error!r}; remove it") from None
    return rows


def row(said: Mapping[str, Any]) -> Row:
    """One row from what its line says."""
    if said["schema"] != SCHEMA:
        raise ValueError(f"it is of schema {said['schema']}, known is {SCHEMA}")
    cost: dict[str, Any] = {
        key: Timing(**value) if key in TIMINGS and value else value for key, value in said["cost"].items()
    }
    groups = {tag: {value: _averages(of) for value, of in group.items()} for tag, group in said["groups"].items()}
    rest = {"scores": _averages(said["scores"]), "groups": groups, "cost": Cost(**cost), "notes": tuple(said["notes"])}
    return Row(**{**said, **rest})


def _averages(said: Mapping[str, Any]) -> dict[str, Average]:
    return {metric: Average(**average) for metric, average in said.items()}
