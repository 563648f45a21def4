"""Recall as text for a prompt: dated, cited, within a budget of tokens.

\b
    remanence context "Where does Ana live?" --tokens 400
"""

from typing import Any

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import asked, command
from remanence.cli.parts.recalled import hit_json
from remanence.cli.parts.run import Run


@command
@click.argument("question")
@click.option("--tokens", type=click.IntRange(min=1), help="About so many tokens at most.")
@asked
def context(run: Run, question: str, tokens: int | None, **chosen: Any) -> Answer:
    budget: dict[str, Any] = {"tokens": tokens} if tokens else {}
    with run.recall(chosen) as (memory, how):
        made = memory.context(question, **budget, **how)
    data = {"text": made.text, "tokens": made.tokens, "hits": [hit_json(hit) for hit in made.hits]}
    return Answer(data, text=made.text, empty="nothing was found")
