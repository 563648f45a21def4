"""Read documents once with a local model, and ask about them later.

\b
    remanence cache build ./qwen3-0.6b handbook.md -o handbook.cube
    remanence cache ask ./qwen3-0.6b handbook.cube "What is the notice period?"

What the model computed while it read (keys and values) is kept in the file, so asking does not read again. Without a
command the memories are listed that --memory can name.
"""

from pathlib import Path

import click

from remanence.cli.parts.about import first_line
from remanence.cli.parts.answer import Answer, show
from remanence.cli.parts.cache_ask import ask
from remanence.cli.parts.cache_build import build
from remanence.cli.parts.options import json_option
from remanence.cli.parts.run import Run

FOLDER = Path(__file__).parents[1] / "cache"


@click.group("cache", invoke_without_command=True, help=__doc__)
@json_option
@click.pass_context
def cache(context: click.Context) -> int:
    if context.invoked_subcommand is not None:
        return 0
    from remanence.registry import names

    files = {name: FOLDER / f"{name}.py" for name in names("cache")}
    memories = {name: first_line(file) if file.exists() else "" for name, file in files.items()}  # others may add some
    answer = Answer({"memories": memories}, rows=list(memories.items()), head=("memory", "what it is"))
    return show(answer, "cache", as_json=Run.of(context).json)


cache.add_command(build)
cache.add_command(ask)
