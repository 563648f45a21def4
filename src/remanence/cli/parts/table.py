"""Rows as lines: aligned for a terminal, or separated by tabs for a program."""

import re
import shutil
import textwrap
import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

import click

# What would move the cursor, colour the screen or turn the reading direction around.
HARMFUL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
GAP = "  "
NARROWEST = 20  # columns that the longest cell keeps on any terminal

Rows = Sequence[Sequence[object]]


def harmless(text: str) -> str:
    """The text without characters that command a terminal: what is remembered was written by anybody."""
    return HARMFUL.sub("\ufffd", text)


def separated(rows: Rows) -> str:
    """A line a row, its cells parted by tabs; white space inside a cell becomes one space."""
    return "\n".join("\t".join(_one_line(cell) for cell in row) for row in rows)


def aligned(rows: Rows, head: Sequence[str] = (), width: int = 0) -> str:
    """Columns under their names; the widest is broken into several lines when the terminal is too narrow."""
    from remanence.settings import colour

    width = width or shutil.get_terminal_size().columns
    cells = [[harmless(_one_line(cell)) for cell in row] for row in rows]
    named = [*([list(head)] if head else []), *cells]
    widths = [max(map(_columns, column)) for column in zip(*named, strict=True)]
    broad = widths.index(max(widths))
    others = sum(widths) - widths[broad] + len(GAP) * (len(widths) - 1)
    widths[broad] = min(widths[broad], max(NARROWEST, width - others))
    lines = [line for row in named for line in _lines(row, widths, broad)]
    if head and colour():
        lines[0] = click.style(lines[0], bold=True)
    return "\n".join(lines)


def _lines(row: list[str], widths: list[int], broad: int) -> list[str]:
    """The lines of one row; only its broad cell has more than one."""
    parts = [textwrap.wrap(cell, widths[i]) if i == broad else [cell] for i, cell in enumerate(row)]
    return [
        GAP.join(part + " " * (w - _columns(part)) for part, w in zip(line, widths, strict=True)).rstrip()
        for line in zip_longest(*parts, fillvalue="")
    ]


def _one_line(cell: object) -> str:
    return " ".join(str(cell).split())


def _columns(text: str) -> int:
    """How many columns of a terminal the text takes: East Asian characters take two, accents none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
