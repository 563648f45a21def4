"""JSON objects from a file that is one JSON array, one object that holds an array, or an object a line."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

from remanence.errors import BadInput
from remanence.formats.base import Progress, Report
from remanence.formats.parts.json_values import array, parsed
from remanence.formats.parts.opened import Text, texts

Wrong = Callable[[str], None]  # says what is wrong with the object at hand


def objects(
    path: Path, report: Report, progress: Progress | None, inside: re.Pattern[str], key: str = ""
) -> Iterator[tuple[int, dict[str, Any], Wrong]]:
    """Each object, with its line or item number and a way to report it. What is no object is reported here."""
    for text in texts(path, report, progress, inside):
        whole = text.start.startswith("[") or bool(key and re.match(rf'\{{[^{{}}\[\]]*"{key}"\s*:\s*\[', text.start))
        unit: Literal["item", "line"] = "item" if whole else "line"
        for number, value in array(text, key) if whole else _lines(text):
            wrong = partial(text.problem, number, unit=unit)
            if isinstance(value, dict):
                yield number, value, wrong
            else:
                wrong(f"expected a JSON object, got {type(value).__name__}")


def _lines(text: Text) -> Iterator[tuple[int, Any]]:
    for number, line in text.lines():
        if line and not line.isspace():
            try:
                yield number, parsed(line)
            except BadInput as error:
                text.problem(number, str(error))
