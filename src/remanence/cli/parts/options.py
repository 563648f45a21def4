"""Options that several commands share, and how a function becomes a command."""

import functools
import json
import sys
from collections.abc import Callable
from typing import Any

import click

from remanence.cli.parts.answer import Answer, show
from remanence.errors import BadInput

Function = Callable[..., Any]
SHARED = {  # settings that may be said to any command; keys are not: other people can see a command line
    "memory": ("-m", "PATH", "The memory's file."),
    "method": ("", "NAME", "How memories are derived and recalled."),
    "embed": ("", "NAME", "How texts become vectors."),
    "embed_model": ("", "NAME", "Which model makes the vectors."),
    "embed_url": ("", "URL", "Where the vectors are made."),
    "lm": ("", "NAME", "Which language model is asked; rules asks none."),
    "lm_model": ("", "NAME", "The language model's name at its server."),
    "lm_url": ("", "URL", "The language model's server."),
    "lm_wire": ("", "NAME", "How that server is spoken to."),
    "user": ("-u", "NAME", "Whose memory is meant."),
    "agent": ("", "NAME", "Which agent's."),
    "run": ("", "NAME", "Which run's."),
    "app": ("", "NAME", "Which application's."),
}


def command(function: Function) -> click.Command:
    """A command from a function that takes a Run and returns an Answer; its help is what its file says of itself."""

    @functools.wraps(function)
    def called(**values: Any) -> int:
        from remanence.cli.parts.run import Run

        context = click.get_current_context()
        run = Run.of(context)
        answer: Answer = function(run, **values)
        return show(answer, context.command_path.partition(" ")[2], as_json=run.json)

    module = sys.modules[function.__module__]
    options = shared_options(json_option(called), hidden=True)
    return click.command(function.__name__.rstrip("_"), help=module.__doc__)(options)


def shared_options(function: Function, *, hidden: bool = False) -> Function:
    """The options of `remanence` itself, which every command takes too without repeating them in its help.

    A command that has an option of that name itself keeps it.
    """
    own = {word for option in getattr(function, "__click_params__", ()) for word in option.opts}
    for name, (short, metavar, help) in reversed(SHARED.items()):
        if f"--{name}" in own:
            continue
        words = [word for word in (short, f"--{name.replace('_', '-')}") if word]
        function = click.option(
            *words, name, metavar=metavar, help=help, hidden=hidden, expose_value=False, callback=_kept
        )(function)
    return function


def json_option(function: Function) -> Function:
    return click.option(
        "--json", is_flag=True, default=None, expose_value=False, callback=_kept, help="Answer with one JSON object."
    )(function)


def scoped(function: Function) -> Function:
    """Options that say which events are meant."""
    for option in (
        click.option("--meta", multiple=True, metavar="KEY=VALUE", callback=pairs, help="With this in its meta."),
        click.option("--channel", "channels", multiple=True, help="Which came in as: user, assistant, tool, import."),
        click.option("--session", "sessions", multiple=True, metavar="NAME", help="Of this session."),
        click.option("--speaker", "speakers", multiple=True, metavar="NAME", help="Said by this speaker."),
        click.option("--between", nargs=2, metavar="START END", help="From START until before END."),
    ):
        function = option(function)
    return function


def asked(function: Function) -> Function:
    """Options that say which records may answer, and seen from when."""
    for option in (
        click.option("--now", metavar="TIME", help="Understand 'yesterday' as seen from here."),
        click.option("--as-of", metavar="TIME", help="Answer as the memory would have at that time."),
        click.option("--kind", "kinds", multiple=True, metavar="NAME", help="Of this kind: turn, fact, ..."),
        scoped,
    ):
        function = option(function)
    return function


best = click.option("-k", "--k", type=click.IntRange(min=1), metavar="N", help="At most so many, the best ones.")
sure = click.option("--yes", "-y", is_flag=True, help="Do not ask whether I am sure.")
dry = click.option("--dry-run", "-n", is_flag=True, help="Only say what would change.")


def pairs(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """KEY=VALUE: a value that is JSON is what it says, any other is text."""
    return dict(_pair(value) for value in values)


def _pair(said: str) -> tuple[str, Any]:
    key, equals, value = said.partition("=")
    if not (key and equals):
        raise BadInput(f"meta is said as KEY=VALUE, got {said!r}")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def _kept(context: click.Context, option: click.Parameter, value: Any) -> None:
    """Note an option for Run; what stands after the command counts more than what stands before it."""
    flags = context.ensure_object(dict)
    if value is not None:
        flags[option.name] = value
