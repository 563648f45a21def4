"""Export everything to a file, or to standard output.

\b
    remanence export memory.jsonl
    remanence export - | gzip > memory.jsonl.gz
    remanence export notes/ --format markdown

The format jsonl loses nothing: importing it elsewhere gives the same memory.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command, sure
from remanence.cli.parts.run import Run


@command
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", metavar="NAME", help="How to write it; jsonl, if not said.")
@sure
def export(run: Run, path: Path, format: str | None, yes: bool) -> Answer:
    scope = set(run.flags) & {"user", "agent", "run", "app"}
    if scope:
        raise click.UsageError(f"an export holds the whole memory: --{min(scope)} cannot narrow it")
    how = {"format": format} if format else {}
    if str(path) != "-":
        if path.is_file():
            run.sure(f"Replace {path}?", yes)
        with run.open(writes=False) as memory:
            count = memory.export(path, **how)
        return Answer({"path": str(path), "items": count}, text=f"{count} items written to {path}")
    if run.json:
        raise click.UsageError("standard output holds the export or the --json answer, not both")
    with tempfile.TemporaryDirectory(prefix="remanence-") as folder, run.open(writes=False) as memory:
        copy = Path(folder) / "export"
        memory.export(copy, **how)
        if copy.is_dir():
            raise click.UsageError(f"format {format!r} writes a folder: name one")
        with copy.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
    return Answer({})
