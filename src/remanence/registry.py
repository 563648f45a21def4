"""Find and build a part by form and name. The file's name is the name: `text/words.py` is ("text", "words").

Listing reads folder names and imports nothing; loading imports that one file.
A package of somebody else's joins with an entry point in the group `remanence.<form>`.
"""

import importlib
import inspect
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from remanence.errors import BadConfig, UnknownName, one_of

FORMS = {  # the folder of each form, and what one of its parts is called in messages
    "text": "text memory",
    "cache": "cache memory",
    "layers": "memory layer",
    "weights": "weight memory",
    "lm": "language model",
    "embed": "embedder",
    "formats": "format",
    "bench/tasks": "task",
    "bench/lessons": "lesson",
}
RESERVED = ("base",)  # the contract of a form, never one of its parts


def names(form: str) -> list[str]:
    """Every name under a form, sorted. A folder that is not there yet has none."""
    folder = Path(__file__).parent / _known(form)
    found = [m.name for m in pkgutil.iter_modules([str(folder)]) if not m.ispkg]
    own = [name for name in found if name not in RESERVED and not name.startswith("_")]
    return sorted({*own, *(entry.name for entry in entry_points(group=_group(form)))})


def load(form: str, name: str) -> type[Any]:
    """The class behind a name: the one public class of that file that keeps the form's contract."""
    if name not in names(form):
        raise UnknownName(one_of(FORMS[form], name, names(form)))
    for entry in entry_points(group=_group(form), name=name):
        plugin: type[Any] = entry.load()
        return plugin
    module = importlib.import_module(f"{_group(form)}.{name}")
    base = importlib.import_module(f"{_group(form)}.base").Base
    mine = [c for c in vars(module).values() if inspect.isclass(c) and c.__module__ == module.__name__]
    (cls,) = [c for c in mine if issubclass(c, base) and not c.__name__.startswith("_")]
    return cls


def build(form: str, name: str, services: dict[str, Any] | None = None, **settings: Any) -> Any:
    """The object behind a name. `services` (lm, embed, ...) go to whoever has a parameter of that name."""
    cls = load(form, name)
    takes = inspect.signature(cls).parameters
    for key in settings:
        if key not in takes:
            raise BadConfig(one_of(f"setting of {FORMS[form]} {name!r} called", key, takes))
    return cls(**{k: v for k, v in (services or {}).items() if k in takes}, **settings)


def _known(form: str) -> str:
    if form not in FORMS:
        raise UnknownName(one_of("form", form, FORMS))
    return form


def _group(form: str) -> str:
    return "remanence." + _known(form).replace("/", ".")
