"""Offer the memory as tools to programs that speak the Model Context Protocol.

\b
    remanence mcp install --client claude-code
    remanence mcp --tools full --user ana
    remanence mcp --http --port 8766

Without --http it speaks on standard input and output, as those programs expect of what they start. Settings such as
--user narrow what it reads and say whose what it keeps is; no tool can ask for more.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from remanence.cli.parts.answer import Answer, show
from remanence.cli.parts.mcp_install import install
from remanence.cli.parts.options import json_option, shared_options
from remanence.cli.parts.run import Run
from remanence.errors import MissingExtra

if TYPE_CHECKING:
    from remanence.local import Local

PORT = 8766


@click.group("mcp", invoke_without_command=True, help=__doc__)
@click.option("--tools", default="minimal", show_default=True, metavar="NAME", help="Which: full, graph, chatgpt.")
@click.option("--http", is_flag=True, help="Speak HTTP, at /mcp.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; elsewhere it needs a key.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="On which port.")
@click.option("--allowed-host", "hosts", multiple=True, metavar="NAME", help="A name it is known by, beside --host.")
@json_option
@click.pass_context
def mcp(context: click.Context, /, tools: str, http: bool, **where: Any) -> int:
    if context.invoked_subcommand is not None:
        return 0
    run = Run.of(context)
    from remanence.serve.mcp.sdk import sdk

    sdk()  # so that its absence is said first
    if http:
        _http(run, tools, **where)
    else:
        _stdio(run, tools)
    return show(Answer({}), "mcp", as_json=run.json)


def _stdio(run: Run, tools: str) -> None:
    from remanence.serve.mcp.reach import Reach
    from remanence.serve.mcp.server import build
    from remanence.serve.mcp.stdio import speak

    with run.open(writes=True, new=True) as memory:
        reach = Reach(memory, run.settings.scope())
        speak(build(lambda request: reach, tools))


def _http(run: Run, tools: str, host: str, port: int, hosts: tuple[str, ...]) -> None:
    try:
        from remanence.serve import running
        from remanence.serve.mcp.http import Endpoint, alone
        from remanence.serve.mcp.server import known
        from remanence.serve.serving import Serving
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name} is not installed: pip install 'remanence[server]'") from None

    def opened(path: Path) -> "Local":
        return cast("Local", Run(run.flags | {"memory": str(path)}).open(writes=True, new=True))

    endpoint = Endpoint(known(tools), run.settings.scope())
    serving = Serving(run.path, opened, host=host, allowed_hosts=hosts)
    told = f"{run.path} at {{}}/mcp"
    running.run(serving, port, lambda url: click.echo(told.format(url), err=True), lambda it: alone(it, endpoint))


shared_options(mcp, hidden=True)
mcp.add_command(install)
