"""Check that everything works, and show every setting with where it comes from."""

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.checks import examine
from remanence.cli.parts.options import command
from remanence.cli.parts.run import Run
from remanence.errors import BadConfig
from remanence.settings import Settings


@command
@click.option("--thorough", is_flag=True, help="Read every page of the file; a large one takes minutes.")
def doctor(run: Run, thorough: bool) -> Answer:
    try:
        settings, wrong = run.settings, ""
    except BadConfig as error:
        settings, wrong = Settings(), str(error)
    checks = list(examine(settings, wrong, thorough=thorough))
    said = list(settings.shown())
    failed = [check.name for check in checks if check.state == "fail"]
    return Answer(
        {
            "checks": [{"name": c.name, "state": c.state, "detail": c.detail} for c in checks],
            "settings": [{"name": name, "value": value, "from": origin} for name, value, origin in said],
        },
        rows=[
            *((check.state, check.name, check.detail) for check in checks),
            *(("set", name, f"{value} ({origin})") for name, value, origin in said if value),
        ],
        failed=f"{', '.join(failed)} failed" if failed else "",
    )
