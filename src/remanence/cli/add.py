"""Add something that happened.

\b
    remanence add "I moved to Lisbon in March." --at 2024-04-02 --speaker Ana
    git log -1 --format=%B | remanence add - --speaker git
    remanence add - --jsonl < messages.jsonl

With --jsonl each line is an object: its text, and any of at, speaker, role, session, channel, user, agent, run, app,
meta. Options say what a line leaves out. Nothing is kept unless every line can be.
"""

import json
import sys
from typing import Any

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command, pairs
from remanence.cli.parts.progress import Progress
from remanence.cli.parts.run import Run
from remanence.errors import BadInput, RemanenceError


@command
@click.argument("text")
@click.option("--at", metavar="TIME", help="When it happened: 2024-04-02 or 2024-04-02T09:30+01:00. Now, if not said.")
@click.option("--speaker", metavar="NAME", help="Who said it.")
@click.option("--role", metavar="NAME", help="In which role: user, assistant, ...")
@click.option("--session", metavar="NAME", help="In which conversation.")
@click.option("--channel", help="How it came in: user (if not said), assistant, tool or import.")
@click.option("--meta", multiple=True, metavar="KEY=VALUE", callback=pairs, help="Anything else worth noting.")
@click.option("--jsonl", is_flag=True, help="Read JSON, one object a line.")
def add(run: Run, text: str, jsonl: bool, **about: Any) -> Answer:
    text = _stdin() if text == "-" else text
    about = run.settings.scope() | {name: said for name, said in about.items() if said}
    rows = _rows(text) if jsonl else [(0, {"text": text})]
    events = [_event(line, about | row) for line, row in rows]
    with run.open(writes=True, new=True) as memory, Progress("adding") as progress:
        added = memory.add_many(events, progress=progress)
    ids = [event.id for event in events]
    told = f"{added.new} added, {added.known} known already" if jsonl else ids[0]
    return Answer({"new": added.new, "known": added.known, "ids": ids}, text=told)


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"standard input is not UTF-8 text: {error}") from None


def _rows(text: str) -> list[tuple[int, dict[str, Any]]]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return [(number, _object(number, line)) for number, line in lines]


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadInput(f"line {number} is not JSON: {error}") from None
    if not isinstance(row, dict) or "text" not in row:
        raise BadInput(f'line {number} must be an object with "text", got {line[:80]!r}')
    wrong = [name for name, value in row.items() if not isinstance(value, dict if name == "meta" else str)]
    if wrong:
        raise BadInput(f"line {number}: {wrong[0]} must be {'an object' if wrong[0] == 'meta' else 'text'}")
    return row


def _event(line: int, said: dict[str, Any]) -> Any:
    from remanence.plain import event_of

    try:
        return event_of(**said)
    except RemanenceError as error:
        if line:
            error.add_note(f"This is line {line}; nothing was added.")
        raise
