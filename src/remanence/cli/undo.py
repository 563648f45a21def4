"""Take one change back; `remanence history` gives their numbers."""

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command, dry
from remanence.cli.parts.recalled import OP_HEAD, op_json, op_row
from remanence.cli.parts.run import Run
from remanence.errors import NotFound


@command
@click.argument("op", type=int)
@dry
def undo(run: Run, op: int, dry_run: bool) -> Answer:
    with run.open(writes=not dry_run) as memory:
        if dry_run:
            meant = next((known for known in memory.history() if known.id == op), None)
            if meant is None:
                raise NotFound(f"no operation {op}")
        else:
            meant = memory.undo(op)
    return Answer({"op": op_json(meant), "dry_run": dry_run}, rows=[op_row(meant)], head=OP_HEAD)
