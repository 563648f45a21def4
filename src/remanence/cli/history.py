"""Show what changed, oldest first: everything, or one record.

\b
    remanence history --limit 20
    remanence history 3f2a9c
"""

from typing import TYPE_CHECKING

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command
from remanence.cli.parts.recalled import OP_HEAD, op_json, op_row
from remanence.cli.parts.run import Run
from remanence.records import Op

if TYPE_CHECKING:
    from remanence.memory import Memory

LIMIT = 50


@command
@click.argument("record", default="")
@click.option("--limit", type=click.IntRange(min=0), default=LIMIT, show_default=True, help="The last so many; 0: all.")
def history(run: Run, record: str, limit: int) -> Answer:
    with run.open(writes=False) as memory:
        ops = memory.history(record)
        shown = ops[-limit:] if limit else ops
        rows = [op_row(op, _text(memory, op)) for op in shown] if not run.json else []
    data = {"ops": [op_json(op) for op in shown], "earlier": len(ops) - len(shown)}
    return Answer(data, rows=rows, head=OP_HEAD, empty="nothing changed yet")


def _text(memory: "Memory", op: Op) -> str:
    """What was added; the log does not tell of what was erased."""
    return memory.get(op.record).text if op.kind == "add" else ""
