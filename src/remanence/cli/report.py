"""Make a page of bench results, with tables and pictures, that opens offline.

\b
    remanence bench locomo multihop --data data/ --memory all --out results.jsonl
    remanence report results.jsonl -o report.html
"""

from pathlib import Path

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command
from remanence.cli.parts.run import Run
from remanence.errors import BadInput

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@command
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="FILE...")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True)
def report(run: Run, files: tuple[Path, ...], out: Path) -> Answer:
    from remanence.bench.report import page
    from remanence.bench.rows import read

    rows = [row for file in files for row in read(file)]
    if not rows:
        raise BadInput(f"there is no result in {', '.join(map(str, files))}; `remanence bench --out FILE` writes them")
    out.write_text(page(rows), encoding="utf-8")
    return Answer({"path": str(out), "rows": len(rows)}, text=f"{out}: {len(rows)} results")
