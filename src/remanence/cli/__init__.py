"""The command line: one file per command, imported when it is run."""

from remanence.cli.parts.group import main

__all__ = ["main"]
