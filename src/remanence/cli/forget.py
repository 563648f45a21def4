"""Let fade what has faded by now, or one record. `remanence undo` brings it back.

\b
    remanence forget --dry-run
    remanence forget 3f2a9c --yes

To remove something for good there is `remanence erase`.
"""

from datetime import UTC, datetime

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command, dry, sure
from remanence.cli.parts.recalled import OP_HEAD, op_json, op_row
from remanence.cli.parts.run import Run


@command
@click.argument("record", default="")
@click.option("--now", metavar="TIME", help="What will have faded by then.")
@dry
@sure
def forget(run: Run, record: str, now: str | None, dry_run: bool, yes: bool) -> Answer:
    moment = now or datetime.now(UTC)
    with run.open(writes=not dry_run) as memory:
        ops = memory.forget(record, now=moment, dry_run=True)
        if ops and not dry_run:
            run.sure(f"Forget {len(ops)} of the records in {run.path}?", yes)
            ops = memory.forget(record, now=moment)
    data = {"ops": [op_json(op) for op in ops], "dry_run": dry_run}
    return Answer(data, rows=[op_row(op) for op in ops], head=OP_HEAD, empty="nothing has faded")
