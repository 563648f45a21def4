"""Derive everything anew from the events, by another method or embedder if one is named.

\b
    remanence rebuild --method hybrid
    remanence rebuild --only-vectors --embed minilm

The events stay as they are. What was derived goes, with its history: forgotten records come back.
"""

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command, dry, sure
from remanence.cli.parts.progress import Progress
from remanence.cli.parts.run import Run
from remanence.cli.parts.services import service


@command
@click.option("--only-vectors", is_flag=True, help="Keep the records, only embed them anew.")
@dry
@sure
def rebuild(run: Run, only_vectors: bool, dry_run: bool, yes: bool) -> Answer:
    embedder = service(run.settings, "embed")
    if only_vectors and embedder is None:
        raise click.UsageError("name the embedder: --embed NAME")
    held = run.held()
    method, embed = run.settings.method or held["method"], embedder.id if embedder else held["embedder"]
    plan = {"events": held["events"], "method": method, "embedder": embed, "dry_run": dry_run}
    what = f"embed {held['records']} records" if only_vectors else f"derive {held['events']} events by {method}"
    if dry_run:
        return Answer(plan, text=f"would {what} anew, vectors by {embed}")
    run.sure(f"{what[0].upper()}{what[1:]} anew, vectors by {embed}?", yes)
    with Progress("embedding") as progress:
        memory = run.open(writes=True, method="", reembed=progress)
    with memory, Progress("deriving") as progress:
        if not only_vectors:
            memory.rebuild(run.settings.method or None, progress=progress)
        done = memory.status()
    return Answer(plan | {"records": done["records"]}, text=f"{done['records']} records, by {done['method']}")
