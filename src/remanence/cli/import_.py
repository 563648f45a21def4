"""Import what other programs remember: chat exports, notes, other memories.

\b
    remanence import conversations.json
    remanence import notes/ --format markdown --user ana
    zcat messages.jsonl.gz | remanence import -

The format is recognised from the file. What is there already is not added again, so an import may be repeated.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from remanence.cli.parts.answer import Answer, complain
from remanence.cli.parts.options import command
from remanence.cli.parts.progress import Progress
from remanence.cli.parts.run import Run


@command
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--format", metavar="NAME", help="What the files are, where that cannot be recognised.")
def import_(run: Run, paths: tuple[Path, ...], format: str | None) -> Answer:
    new = known = 0
    problems: list[str] = []
    with run.open(writes=True, new=True) as memory:
        for path in paths:
            with _readable(path) as source, Progress(f"importing {path}") as progress:
                added = memory.import_(source, format=format, progress=progress, **run.settings.scope())
            new, known = new + added.new, known + added.known
            problems += map(str, added.problems)
    if not run.json:
        for problem in problems:
            complain(problem)
    told = f"{new} added, {known} known already" + (f", {len(problems)} not understood" if problems else "")
    return Answer({"new": new, "known": known, "problems": problems}, text=told)


@contextmanager
def _readable(path: Path) -> Iterator[Path]:
    """The file itself; standard input is kept in a temporary file meanwhile, since formats look at it twice."""
    if str(path) != "-":
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="remanence-") as folder:
        copy = Path(folder) / "stdin"
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield copy
