"""Erase events, and all that was derived from them, for good.

\b
    remanence erase --user ana
    remanence erase --session "day 3" --dry-run
    remanence erase --everything --yes

Nothing of them stays in the file. Several options narrow the choice; settings such as a default user narrow it too.
"""

from typing import Any

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command, dry, scoped, sure
from remanence.cli.parts.run import Run


@command
@scoped
@click.option("--everything", is_flag=True, help="All there is.")
@dry
@sure
def erase(run: Run, everything: bool, dry_run: bool, yes: bool, **chosen: Any) -> Answer:
    narrowed = any(chosen.values()) or bool(set(run.flags) & {"user", "agent", "run", "app"})
    if everything == narrowed:
        raise click.UsageError("say what to erase (--user, --session, --between, ...) or --everything, one of the two")
    which = run.which(chosen)
    with run.open(writes=not dry_run) as memory:
        everything = not which
        count = memory.erase(everything=everything, dry_run=True, **which)
        if count and not dry_run:
            run.sure(f"Erase {count} events{_said(which)} from {run.path} for good?", yes)
            count = memory.erase(everything=everything, **which)
    told = f"{count} events {'would be' if dry_run else 'were'} erased"
    return Answer({"events": count, "which": which, "dry_run": dry_run}, text=told)


def _said(which: dict[str, Any]) -> str:
    return f" ({', '.join(f'{name} {value}' for name, value in which.items())})" if which else ""
