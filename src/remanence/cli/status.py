"""Show what the memory holds: counts, bytes, who derived it."""

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command
from remanence.cli.parts.run import Run


@command
def status(run: Run) -> Answer:
    with run.open(writes=False) as memory:
        data = memory.status()
    return Answer(data, rows=list(data.items()))
