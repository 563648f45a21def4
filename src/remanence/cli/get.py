"""Get one record or event by its id, or by the beginning of it."""

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command
from remanence.cli.parts.run import Run


@command
@click.argument("id")
def get(run: Run, id: str) -> Answer:
    from remanence.formats.parts.as_json import to_json

    with run.open(writes=False) as memory:
        data = to_json(memory.get(id))
    return Answer(data, rows=list(data.items()))
