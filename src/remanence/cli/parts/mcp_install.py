"""Tell a program that starts MCP servers to start this one.

\b
    remanence mcp install --client claude-code
    remanence mcp install --client codex --tools full --user ana
    remanence mcp install --client cursor --print

The memory and the settings that hold here are written with it, paths in full, since the program will start it from
elsewhere. What else its file holds is kept, with a copy beside it. Start the program anew afterwards.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.clients import CLIENTS
from remanence.cli.parts.options import command
from remanence.cli.parts.run import Run
from remanence.settings import DEFAULT, KNOWN, SECRET, Settings, user_file


@command
@click.option("--client", "name", required=True, type=click.Choice(list(CLIENTS)), help="Which program.")
@click.option("--tools", metavar="NAME", help="Which tools it is offered.")
@click.option("--print", "only_print", is_flag=True, help="Only show what would be written, and where.")
def install(run: Run, name: str, tools: str | None, only_print: bool) -> Answer:
    from remanence.serve.mcp.sdk import sdk
    from remanence.serve.mcp.server import known

    sdk()  # without which the program would start nothing
    if tools:
        known(tools)
    client, settings = CLIENTS[name], run.settings
    entry = client.entry([*_program(), *_said(settings), *(["--tools", tools] if tools else [])])
    file = client.file().resolve()  # the file itself, where a link points to it
    data = {"client": name, "path": str(file), "entry": entry}
    if only_print:
        return Answer(data, text=f"{client.shown(entry)}\n{_left_out(settings)}".rstrip())
    before = client.text()
    after = client.with_entry(before, entry)
    if after == before:
        return Answer(data | {"changed": False}, text=f"{name} starts it already: {file}")
    backup = _copied(file) if file.is_file() else None
    _replace(file, after)
    kept = f"\nwhat it was: {backup}" if backup else ""
    text = f"written to {file}{kept}\nstart {name} anew\n{_left_out(settings)}".rstrip()
    return Answer(data | {"changed": True, "backup": str(backup or "")}, text=text)


def _program() -> list[str]:
    """This Python, by its whole path: a program that was started from a desktop knows no PATH of a shell."""
    return [str(Path(sys.executable).absolute()), "-m", "remanence", "mcp"]


def _said(settings: Settings) -> list[str]:
    """The memory, and each setting that would not hold in another folder and another environment."""
    words = ["--memory", str(Path(settings.memory).absolute())]
    stays = (DEFAULT, str(user_file()))
    for setting in KNOWN:
        value = getattr(settings, setting)
        if value and setting not in ("memory", *SECRET) and settings.origin.get(setting, DEFAULT) not in stays:
            words += [f"--{setting.replace('_', '-')}", value]
    return words


def _left_out(settings: Settings) -> str:
    """Keys are not written into a file of another program."""
    stays = (DEFAULT, str(user_file()))
    keys = [name for name in SECRET if getattr(settings, name) and settings.origin.get(name, DEFAULT) not in stays]
    return f"{' and '.join(keys)} was not written: say it in {user_file()}" if keys else ""


def _copied(file: Path) -> Path:
    """A copy beside it, under a name that is free."""
    number = 1
    while (copy := file.with_name(f"{file.name}.bak{number}")).exists():
        number += 1
    return Path(shutil.copy2(file, copy))


def _replace(file: Path, text: str) -> None:
    """All of it or nothing, whatever happens; readable as it was, or by its owner alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if file.exists():
            shutil.copymode(file, name)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
