"""Answer a question from the memory, with the records it cites.

\b
    remanence ask "Where does Ana live?" --lm chat --lm-model qwen3:4b --lm-url http://localhost:11434/v1

A language model reads the answer out of what is recalled; which one is a setting (see docs/cli.md).
"""

from typing import Any

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import asked, best, command
from remanence.cli.parts.recalled import hit_json
from remanence.cli.parts.run import Run


@command
@click.argument("question")
@best
@asked
def ask(run: Run, question: str, **chosen: Any) -> Answer:
    from remanence.text.parts.render import line

    with run.recall(chosen) as (memory, how):
        reply = memory.ask(question, **how)
    data = {"answer": reply.text, "by": reply.by, "hits": [hit_json(hit) for hit in reply.hits]}
    return Answer(data, text="\n".join([reply.text, *(line(hit.record) for hit in reply.hits)]))
