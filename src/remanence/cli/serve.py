"""Serve the memory over HTTP, with a page to look at it.

\b
    remanence serve
    remanence keys make laptop --right write
    remanence serve --host 0.0.0.0 --allowed-host memory.example.org --rate 50

Without a key only this machine may ask, and only while no key was ever made. /docs lists the routes.
"""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.options import command
from remanence.cli.parts.run import Run
from remanence.errors import MissingExtra

if TYPE_CHECKING:
    from remanence.local import Local


@command
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; beyond this machine with a key.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
@click.option("--allowed-host", multiple=True, metavar="NAME", help="A name the server is known by; * allows all.")
@click.option(
    "--rate", type=click.FloatRange(min=0), default=0, metavar="N", help="At most N requests a second, a key."
)
@click.option("--tenants", is_flag=True, help="Keys may be of tenants, each with a memory of its own beside this one.")
def serve(run: Run, host: str, port: int, allowed_host: tuple[str, ...], rate: float, tenants: bool) -> Answer:
    try:
        from remanence.serve import running
        from remanence.serve.serving import Serving
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name} is not installed: pip install 'remanence[server]'") from None

    def opened(path: Path) -> "Local":
        return cast("Local", Run(run.flags | {"memory": str(path)}).open(writes=True, new=True))

    serving = Serving(run.path, opened, host=host, allowed_hosts=allowed_host, rate=rate, named_tenants=tenants)
    running.run(serving, port, lambda url: click.echo(f"serving {run.path} at {url}", err=True))
    return Answer({})
