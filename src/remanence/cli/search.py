"""Search the memory: what answers best, best first.

\b
    remanence search "Where does Ana live?"
    remanence search "the violin lesson" -k 5 --speaker Ana --between 2024-01-01 2024-07-01 --why

Shows score, date, speaker, text and id of each record found.
"""

from typing import Any

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import asked, best, command
from remanence.cli.parts.recalled import HEAD, hit_json, hit_row
from remanence.cli.parts.run import Run


@command
@click.argument("question")
@best
@asked
@click.option("--why", is_flag=True, help="Show what each signal added to the score.")
@click.option("--sources", is_flag=True, help="Show which events, and which characters of them, say so.")
def search(run: Run, question: str, why: bool, sources: bool, **chosen: Any) -> Answer:
    with run.recall(chosen) as (memory, how):
        hits = memory.search(question, **how)
    more = [name for name, wanted in (("why", why), ("sources", sources)) if wanted]
    return Answer(
        {"hits": [hit_json(hit) for hit in hits]},
        rows=[hit_row(hit, more) for hit in hits],
        head=[*HEAD, *more],
        empty="nothing was found",
    )
