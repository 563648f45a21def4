"""Build the language model and the embedder that the settings name."""

import inspect
from typing import Any

from remanence.errors import BadConfig
from remanence.settings import Settings

IMPLIED = {"lm": ("chat", {"model", "url"}), "embed": ("http", {"url"})}  # the name, when one of these is said


def service(settings: Settings, what: str) -> Any:
    """The `lm` or `embed` of the settings; None when they say nothing of it."""
    said = settings.of(what)
    implied, by = IMPLIED[what]
    name = getattr(settings, what) or (implied if by & set(said) else "")
    if not name:
        return None
    from remanence.registry import build, load

    takes = inspect.signature(load(what, name)).parameters
    for extra in sorted(said.keys() - takes.keys()):  # in a file it may wait for the service that takes it
        if settings.origin[f"{what}_{extra}"] == "flag":
            raise BadConfig(f"{what} {name!r} takes no {what}_{extra}")
    for missing in [p.name for p in takes.values() if p.default is p.empty and p.name not in said]:
        setting = f"{what}_{missing}"
        raise BadConfig(f"{what} {name!r} needs {setting}: in a configuration file, or REMANENCE_{setting.upper()}=...")
    return build(what, name, said)
