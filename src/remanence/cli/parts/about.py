"""What a file is about, without importing it."""

import ast
from pathlib import Path


def first_line(file: Path) -> str:
    """The first line of the docstring it opens with."""
    return (ast.get_docstring(ast.parse(file.read_bytes())) or "").partition("\n")[0]
