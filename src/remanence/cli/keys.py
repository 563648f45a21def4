"""Make and revoke the keys of `remanence serve`.

\b
    remanence keys make laptop --right write
    remanence keys make ana-phone --right write --user ana --expires 90
    remanence keys
    remanence keys revoke 3f2a9c01

Only hashes are kept, beside the memory: a key is shown when it is made or rotated, and never again. A running server
knows of a change at once.
"""

from dataclasses import asdict
from typing import Any

import click

from remanence.cli.parts.answer import Answer, show
from remanence.cli.parts.options import Function, command, json_option
from remanence.cli.parts.run import Run
from remanence.serve.keys import RIGHTS, Key, Keys

HEAD = ("id", "name", "key", "right", "tenant", "user", "last used", "expires", "revoked")


@click.group("keys", invoke_without_command=True, help=__doc__)
@json_option
@click.pass_context
def keys(context: click.Context) -> int:
    if context.invoked_subcommand is not None:
        return 0
    run = Run.of(context)
    return show(_listed(run), "keys", as_json=run.json)


def _command(function: Function) -> Function:
    """One of several commands in a file: its help is what it says of itself."""
    made = command(function)
    made.help = function.__doc__
    keys.add_command(made)
    return function


@_command
@click.argument("name")
@click.option("--right", type=click.Choice(RIGHTS), default="read", show_default=True, help="Each allows those before.")
@click.option("--user", "-u", default="", metavar="NAME", help="Only of this user's memories.")
@click.option("--tenant", default="", metavar="NAME", help="Of this tenant's memory (serve --tenants).")
@click.option("--expires", type=click.FloatRange(min=0, min_open=True), metavar="DAYS", help="Good for so many days.")
def make(run: Run, name: str, right: str, user: str, tenant: str, expires: float | None) -> Answer:
    """Make a key, and show it this once."""
    return _shown(*Keys.beside(run.path).make(name, right, tenant=tenant, user=user, days=expires))


@_command
def list(run: Run) -> Answer:
    """List all keys, with when each was last used."""
    return _listed(run)


@_command
@click.argument("id")
def rotate(run: Run, id: str) -> Answer:
    """Give a key a new secret; the old one is good for a day more."""
    return _shown(*Keys.beside(run.path).rotate(id))


@_command
@click.argument("id")
def revoke(run: Run, id: str) -> Answer:
    """Make a key worthless at once."""
    key = Keys.beside(run.path).revoke(id)
    return Answer(asdict(key), text=f"key {key.id} ({key.name}) is revoked")


def _listed(run: Run) -> Answer:
    found = Keys.beside(run.path).list()
    rows = [_row(key) for key in found]
    return Answer({"keys": [asdict(key) for key in found]}, rows, HEAD, empty="there are no keys")


def _shown(key: Key, secret: str) -> Answer:
    return Answer(asdict(key) | {"secret": secret}, text=secret)


def _row(key: Key) -> tuple[Any, ...]:
    times = (when[:16].replace("T", " ") for when in (key.used, key.expires, key.revoked))
    return (key.id, key.name, f"{key.prefix}…", key.right, key.tenant, key.user, *times)
