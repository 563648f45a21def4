"""Write the tables of methods into README.md and docs/, from what the files say of themselves.

    python scripts/readme_methods.py

README.md needs nothing but the docstrings; for the pages of docs/ the classes are asked as well, which takes PyTorch.
"""

import ast
import importlib.util
import pkgutil
import re
from functools import cache
from pathlib import Path
from typing import Any

from remanence.registry import load, names

ROOT = Path(__file__).parent.parent
ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")
FORMS = {"methods": "text", "cache memories": "cache", "layers": "layers"}  # of README.md, by the mark of their table


@cache
def said(form: str, name: str) -> str:
    """How a file opens."""
    return ast.get_docstring(ast.parse((ROOT / path(form, name)).read_text(encoding="utf-8"))) or ""


def path(form: str, name: str) -> str:
    return f"src/remanence/{form}/{name}.py"


def what(form: str, name: str) -> str:
    return _cell(said(form, name).split("\n\n")[0]).rstrip(".")


def under(label: str, form: str, name: str) -> str:
    """What stands under a label (Source, Cost, ...), or nothing."""
    found = re.search(rf"^{label}:\s+(.*?)(?=^\w+:|^$|\Z)", said(form, name), re.MULTILINE | re.DOTALL)
    return _cell(found[1]).rstrip(".") if found else ""


def source(form: str, name: str) -> str:
    """The first source, linked where it has a number at arXiv."""
    all_ = under("Source", form, name)
    number = ARXIV.search(all_)
    short = all_.split('"')[1] if '"' in all_ else re.split(r"\. |: |; ", all_)[0]
    return f"[{short}](https://arxiv.org/abs/{number[1]})" if number else short


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    first, *others = (f"| {' | '.join(cells)} |" for cells in (head, *rows))
    return "\n".join([first, "|---" * len(head) + "|", *others])


def with_table(readme: str) -> str:
    """README.md with its tables brought up to date."""
    for mark, form in FORMS.items():
        rows = [(f"[`{name}`]({path(form, name)})", what(form, name), source(form, name)) for name in names(form)]
        readme = between(readme, mark, table(("method", "what it is", "source"), rows))
    return readme


def with_policies(page: str) -> str:
    """docs/cache.md with its tables brought up to date."""
    policies = [(*_linked("cache", name), *_held(name)) for name in names("cache")]
    page = between(page, "policies", table(("policy", "what it is", "what it reads and costs", "held"), policies))
    folder = ROOT / "src" / "remanence" / "cache" / "wrappers"
    wrappers = [("cache/wrappers", module.name) for module in pkgutil.iter_modules([str(folder)])]
    around = [(*_linked(*which), under("Cost", *which)) for which in wrappers]
    return between(page, "wrappers", table(("wrapper", "what it is", "what it costs"), around))


def with_layers(page: str) -> str:
    """docs/layers.md with its tables brought up to date."""
    from remanence.layers.base import Base
    from remanence.layers.contract.cell import Cell
    from remanence.layers.contract.parametric import ParametricMemory
    from remanence.layers.contract.segment import SegmentMemory

    kinds = {"cells": Cell, "segment memories": SegmentMemory, "parametric memories": ParametricMemory, "others": Base}
    rows: dict[str, list[tuple[str, ...]]] = {mark: [] for mark in kinds}
    for name in names("layers"):
        layer = load("layers", name)
        mark = next(mark for mark, kind in kinds.items() if issubclass(layer, kind))
        cannot = "; ".join(f"`{law}`: {_cell(why)}" for law, why in layer.exceptions.items()) or "none"
        ways = _ways(layer) if mark == "cells" else ()
        rows[mark].append((*_linked("layers", name), source("layers", name), *ways, cannot))
    for mark, of in rows.items():
        ways = ("forms", "grain") if mark == "cells" else ()
        new = table(("layer", "what it is", "source", *ways, "exceptions"), of) if of else ""
        page = between(page, mark, f"## Others\n\n{new}" if of and mark == "others" else new)
    return page


def between(page: str, mark: str, new: str) -> str:
    """The page with this between the two comments that bear the mark."""
    begin, end = f"<!-- {mark}: written by scripts/readme_methods.py -->\n", f"<!-- end of {mark} -->"
    start, stop = page.index(begin) + len(begin), page.index(end)
    return f"{page[:start]}{new}\n{page[stop:]}" if new else page[:start] + page[stop:]


def _linked(form: str, name: str) -> tuple[str, str]:
    return f"[`{name}`](../{path(form, name)})", what(form, name)


def _held(name: str) -> tuple[str, str]:
    forgets = load("cache", name)().forgets
    return under("Cost", "cache", name), "lets go" if forgets else "all"


def _ways(layer: Any) -> tuple[str, str]:
    return ", ".join(layer.forms), str(layer(8).grain)


def _cell(text: str) -> str:
    """On one line, with nothing that would end a cell."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    pages = {"README.md": with_table}
    if importlib.util.find_spec("torch"):
        pages |= {"docs/cache.md": with_policies, "docs/layers.md": with_layers}
    for page, write in pages.items():
        file = ROOT / page
        file.write_text(write(file.read_text(encoding="utf-8")), encoding="utf-8")
