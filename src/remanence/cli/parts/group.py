"""Remember, search and forget from the command line.

Options of `remanence` itself (--memory, --user, ...) may stand before or after the command.
"""

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from remanence import __version__
from remanence.cli.parts.about import first_line
from remanence.cli.parts.answer import show_failure
from remanence.cli.parts.options import json_option, shared_options
from remanence.errors import RemanenceError, one_of

FOLDER = Path(__file__).parents[1]
INTERRUPTED = 130  # 128 + SIGINT, as shells say it


class Commands(click.Group):
    """The files of the folder above are the commands; one is imported when it is run, none to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(m.name.rstrip("_") for m in pkgutil.iter_modules([str(FOLDER)]) if not m.ispkg)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"remanence.cli.{file_of(cmd_name).stem}")
        command: click.Command = getattr(module, file_of(cmd_name).stem)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in self.list_commands(ctx) and not ctx.resilient_parsing:
            raise click.UsageError(one_of("command", name, self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, first_line(file_of(name))) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        own = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=first_line(file_of(name))) for name in names), *own]

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command, tell what went wrong and leave with the exit code that says so."""
        words = sys.argv[1:] if args is None else list(args)
        as_json = "--json" in (words[: words.index("--")] if "--" in words else words)
        try:
            code = super().main(words, prog_name or "remanence", complete_var, standalone_mode=False, **extra)
        except (RemanenceError, click.ClickException, OSError) as error:
            code = show_failure(error, as_json=as_json)
        except click.Abort:
            code = INTERRUPTED
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else 0)


def file_of(name: str) -> Path:
    """The file of a command; one that Python would take for a keyword has an underscore behind its name."""
    plain = FOLDER / f"{name}.py"
    return plain if plain.exists() else FOLDER / f"{name}_.py"


@click.group("remanence", cls=Commands, help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@shared_options
@json_option
@click.version_option(__version__, "-V", "--version", message="%(version)s")
def main() -> None:
    pass
