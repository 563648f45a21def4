"""What a command gives back, and how it is told: to people on a terminal, to programs in a pipe, or as JSON."""

import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from remanence.cli.parts.table import aligned, harmless, separated
from remanence.errors import LMError, NotFound, OtherMethod, ReadOnly, RemanenceError

CODES = ((NotFound, 3), (ReadOnly, 4), (LMError, 5), (RemanenceError, 1))  # the first that fits; usage is 2


@dataclass(frozen=True)
class Answer:
    """`data` is the whole of it, as JSON can say it. `rows` (named by `head`) or `text` are what people are shown.

    `empty` is said on a terminal where there is neither. `failed` says what the command found to be wrong, for a
    command that looks for what is wrong.
    """

    data: dict[str, Any]
    rows: Sequence[Sequence[object]] = ()
    head: Sequence[str] = ()
    text: str = ""
    empty: str = ""
    failed: str = ""


def show(answer: Answer, name: str, *, as_json: bool) -> int:
    """Print an answer to standard output; the exit code."""
    if as_json:
        envelope: dict[str, Any] = {"ok": not answer.failed, "command": name, "data": answer.data}
        _print_json(envelope | ({"error": {"kind": "Failed", "message": answer.failed}} if answer.failed else {}))
        return int(bool(answer.failed))
    terminal = sys.stdout.isatty()
    if answer.text:
        _print(harmless(answer.text) if terminal else answer.text)
    if answer.rows:
        _print(aligned(answer.rows, answer.head) if terminal else separated(answer.rows))
    if terminal and answer.empty and not answer.text and not answer.rows:
        click.echo(answer.empty, err=True)
    if answer.failed:
        complain(answer.failed)
    return int(bool(answer.failed))


def show_failure(error: RemanenceError | click.ClickException | OSError, *, as_json: bool) -> int:
    """Tell what went wrong; the exit code."""
    hint = " ".join(getattr(error, "__notes__", ()))
    if isinstance(error, OtherMethod):
        hint = "On the command line: remanence rebuild --method NAME"
    if as_json:
        said = {"kind": _kind(error), "message": _message(error), "hint": hint}
        _print_json({"ok": False, "error": {key: value for key, value in said.items() if value}})
    elif isinstance(error, click.UsageError):
        error.show()
    else:
        complain(" ".join(filter(None, (_message(error), hint))))
    if isinstance(error, click.ClickException):
        return error.exit_code
    return next((code for kind, code in CODES if isinstance(error, kind)), 1)


def complain(message: str) -> None:
    """One line about something wrong, on standard error."""
    from remanence.settings import colour

    head = click.style("error:", fg="red", bold=True) if sys.stderr.isatty() and colour() else "error:"
    click.echo(f"{head} {harmless(message)}", err=True)


def short(id: str) -> str:
    """An id as far as people need it; programs get all of it."""
    return id[:8] if sys.stdout.isatty() else id


def _kind(error: Exception) -> str:
    return "Usage" if isinstance(error, click.UsageError) else type(error).__name__


def _message(error: Exception) -> str:
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _print_json(data: dict[str, Any]) -> None:
    unicode = sys.stdout.encoding.lower().startswith("utf")
    _print(json.dumps(data, ensure_ascii=not unicode, allow_nan=False))


def _print(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for terminals that do not speak UTF-8
    click.echo(text)
