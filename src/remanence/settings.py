"""Every setting of a program that uses Remanence, its default, and where its value comes from.

The only file that reads environment variables and configuration files. What stands higher wins:

    flag         --lm-model, given to `load`
    environment  REMANENCE_LM_MODEL; empty means not said
    project      remanence.toml, or [tool.remanence] in pyproject.toml, here or in a folder above, up to a .git
    user         config.toml in the user's configuration folder (platformdirs)
    default      the field below

A project file may be somebody else's: it may not hold keys, nor send memories to another machine.
"""

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from remanence.errors import BadConfig, one_of

PREFIX, HOME = "REMANENCE_", "REMANENCE_HOME"
SECRET = ("embed_key", "lm_key")
URLS = ("embed_url", "lm_url")
OURSELVES = ("localhost", "127.0.0.1", "::1")
DEFAULT = "default"
Read = tuple[str, dict[str, str]]  # where, and what is said there


@dataclass(frozen=True)
class Settings:
    """`method` and `embed` left empty mean the memory's own, and for a new memory what `remanence.open` takes."""

    memory: str = ""  # path of the memory's file; `load` fills in the one of this user
    method: str = ""
    embed: str = ""
    embed_model: str = ""
    embed_url: str = ""
    embed_key: str = field(default="", repr=False)
    lm: str = ""  # rules; chat when a model or a URL is named
    lm_model: str = ""
    lm_url: str = ""
    lm_key: str = field(default="", repr=False)
    lm_wire: str = ""
    user: str = ""
    agent: str = ""
    run: str = ""
    app: str = ""
    origin: Mapping[str, str] = field(default_factory=dict, compare=False)

    def scope(self) -> dict[str, str]:
        """Whose memory is meant, the fields that are said."""
        return {name: said for name in ("user", "agent", "run", "app") if (said := getattr(self, name))}

    def of(self, service: str) -> dict[str, str]:
        """What is said of a service ("lm" or "embed"): model, url, key, wire."""
        names = [name for name in KNOWN if name.startswith(f"{service}_")]
        return {name.removeprefix(f"{service}_"): said for name in names if (said := getattr(self, name))}

    def shown(self) -> Iterator[tuple[str, str, str]]:
        """Each setting, its value for people to look at, and where it comes from."""
        for name in KNOWN:
            value = str(getattr(self, name))
            yield name, "(set, not shown)" if value and name in SECRET else value, self.origin.get(name, DEFAULT)


KNOWN = tuple(f.name for f in fields(Settings) if f.name != "origin")


def load(**flags: str | None) -> Settings:
    """The settings that hold here and now; a flag that is None was not given."""
    said: dict[str, str] = {}
    origin: dict[str, str] = {}
    for where, values in (*_user(), *_project(), *_environment(), *_flags(flags)):
        for name, value in values.items():
            said[name], origin[name] = value, where
    if not said.get("memory"):
        said["memory"] = str(data_folder() / "memory.db")
        origin["memory"] = HOME if os.environ.get(HOME) else DEFAULT
    return Settings(**said, origin=origin)


def data_folder() -> Path:
    """Where this user's memories are kept."""
    home = os.environ.get(HOME)
    return Path(home).expanduser() if home else platformdirs.user_data_path("remanence")


def user_file() -> Path:
    """The user's configuration file, there or not."""
    return platformdirs.user_config_path("remanence") / "config.toml"


def misspelt() -> list[str]:
    """Variables of the environment that look like ours and are not."""
    ours = {HOME, *(f"{PREFIX}{name.upper()}" for name in KNOWN)}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in ours)


def colour() -> bool:
    """Whether colour is wanted on a terminal (no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _flags(flags: Mapping[str, str | None]) -> Iterator[Read]:
    for name in flags:
        if name not in KNOWN:
            raise BadConfig(one_of("setting", name, KNOWN))
    given = {name: value for name, value in flags.items() if value is not None}
    yield "flag", given | _path(given, Path())


def _environment() -> Iterator[Read]:
    variables = {name: f"{PREFIX}{name.upper()}" for name in KNOWN}
    given = {name: value for name, variable in variables.items() if (value := os.environ.get(variable))}
    for name, value in (given | _path(given, Path())).items():
        yield variables[name], {name: value}


def _project() -> Iterator[Read]:
    here = Path.cwd()
    for folder in (here, *here.parents):
        own, shared = folder / "remanence.toml", folder / "pyproject.toml"
        if own.is_file():
            yield _read(own, lambda table: table, _checked_for_a_project)
            return
        if shared.is_file() and "remanence" in _table(shared).get("tool", {}):
            yield _read(shared, lambda table: table["tool"]["remanence"], _checked_for_a_project)
            return
        if (folder / ".git").exists():
            return


def _user() -> Iterator[Read]:
    if user_file().is_file():
        yield _read(user_file(), lambda table: table, lambda file, name, value: None)


def _read(file: Path, part: Callable[[dict[str, Any]], Any], check: Callable[[Path, str, str], None]) -> Read:
    table = part(_table(file))
    if not isinstance(table, dict):
        raise BadConfig(f"{file}: [tool.remanence] must be a table, got {table!r}")
    for name, value in table.items():
        if name not in KNOWN:
            raise BadConfig(f"{file}: {one_of('setting', name, KNOWN)}")
        if not isinstance(value, str):
            raise BadConfig(f"{file}: {name} must be text in quotes, got {value!r}")
        check(file, name, value)
    return str(file), table | _path(table, file.parent)


def _table(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{file} is not TOML: {error}") from None
    except OSError as error:
        raise BadConfig(f"{file} cannot be read: {error.strerror}") from None


def _checked_for_a_project(file: Path, name: str, value: str) -> None:
    instead = f"say {name} in {user_file()} or in {PREFIX}{name.upper()}"
    if name in SECRET:
        raise BadConfig(f"{file}: a key does not belong into a project; {instead}")
    if name in URLS and not _stays_here(value):
        raise BadConfig(f"{file}: a project may not send memories to {value!r}; {instead}")


def _stays_here(url: str) -> bool:
    """Whether this can only mean a server on this machine; what two readers may understand differently does not."""
    try:
        return urlsplit(url).hostname in OURSELVES and not set(url) & set("@\\")
    except ValueError:
        return False


def _path(given: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The memory's path as seen from here: a file means it from where the file lies."""
    path = given.get("memory", "")
    return {"memory": str(folder / Path(path).expanduser())} if path else {}
