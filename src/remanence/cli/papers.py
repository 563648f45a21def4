"""List the papers this library works from, and the file each one lives in."""

import tomllib
from pathlib import Path

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command
from remanence.cli.parts.run import Run
from remanence.errors import UnknownName, one_of

FILE = Path(__file__).parents[1] / "papers.toml"


@command
@click.option("--form", metavar="NAME", help="Only this form: text, cache, layers, weights, ...")
@click.option("--built", is_flag=True, help="Only those that work.")
def papers(run: Run, form: str | None, built: bool) -> Answer:
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["paper"]
    forms = {row["form"] for row in rows}
    if form is not None and form not in forms:
        raise UnknownName(one_of("form", form, forms))
    chosen = [row for row in rows if form in (None, row["form"]) and (not built or "where" in row)]
    return Answer(
        {"papers": chosen, "built": sum("where" in row for row in chosen)},
        rows=[(row["form"], row["key"], row.get("where", ""), row["title"]) for row in chosen],
        head=("form", "key", "where", "title"),
        empty="none yet",
    )
