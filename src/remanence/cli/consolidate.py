"""Look at everything again: derive what is waiting, then summarise, merge and link."""

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command, dry
from remanence.cli.parts.recalled import OP_HEAD, op_json, op_row
from remanence.cli.parts.run import Run


@command
@click.option("--now", metavar="TIME", help="As seen from then.")
@dry
def consolidate(run: Run, now: str | None, dry_run: bool) -> Answer:
    with run.open(writes=not dry_run) as memory:
        ops = memory.consolidate(now=now, dry_run=dry_run)
    data = {"ops": [op_json(op) for op in ops], "dry_run": dry_run}
    return Answer(data, rows=[op_row(op) for op in ops], head=OP_HEAD, empty="there was nothing to change")
