"""What `remanence doctor` looks at."""

import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from remanence.cli.parts.clients import CLIENTS, Entry
from remanence.cli.parts.services import service
from remanence.errors import RemanenceError
from remanence.settings import Settings, misspelt

LITTLE_ROOM = 100_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Check:
    """`warn` is worth knowing, `fail` has to be put right."""

    name: str
    state: Literal["ok", "warn", "fail"]
    detail: str


def examine(settings: Settings, wrong: str, *, thorough: bool) -> Iterator[Check]:
    """Every check; one that fails does not keep the others from being made. `wrong` is what the settings are."""
    yield Check("python", "ok", f"{platform.python_version()} on {platform.platform()}")
    yield _sqlite()
    yield Check("settings", "fail", wrong) if wrong else _environment()
    if wrong:
        return
    path = Path(settings.memory)
    if path.is_file():
        yield from _tried("file", lambda: _file(path, thorough))
        yield _columns(path)
    else:
        yield Check("file", "warn", f"{path} is not there yet; `remanence add` begins it")
    yield _room(path)
    yield from _tried("embedder", lambda: _embedder(settings))
    yield from _tried("language model", lambda: _language_model(settings))
    yield from _tried("mcp", _mcp)


def _tried(name: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from look()
    except (RemanenceError, OSError) as error:
        yield Check(name, "fail", str(error))


def _sqlite() -> Check:
    with closing(sqlite3.connect(":memory:")) as db:
        try:
            db.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
        except sqlite3.OperationalError as error:
            return Check("sqlite", "fail", f"{sqlite3.sqlite_version}, without full-text search (FTS5): {error}")
    return Check("sqlite", "ok", f"{sqlite3.sqlite_version} with FTS5")


def _environment() -> Check:
    wrong = misspelt()
    if wrong:
        return Check("settings", "warn", f"no setting is called {', '.join(wrong)}")
    return Check("settings", "ok", "all known")


def _file(path: Path, thorough: bool) -> Iterator[Check]:
    from remanence.store.schema import VERSION, connect, speaking_plainly

    pragma = "integrity_check" if thorough else "quick_check"
    with closing(connect(path, read_only=True)) as db, speaking_plainly(path):
        found = [text for (text,) in db.execute(f"PRAGMA {pragma}(5)")]
        ((pending,),) = db.execute("SELECT count(*) FROM event WHERE pending IS NOT NULL")
    if found == ["ok"]:
        yield Check("file", "ok", f"{path}, {path.stat().st_size:,} bytes, format {VERSION}, {pragma} ok")
    else:
        yield Check("file", "fail", f"{path} is damaged ({'; '.join(found)}); export what can be read, import it anew")
    if pending:
        yield Check("waiting", "warn", f"nothing was derived from {pending} events yet: remanence consolidate")


def _columns(path: Path) -> Check:
    folder = path.with_name(path.name + "-columns")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    if not size:
        return Check("columns", "ok", f"{folder} holds nothing; it is made when there is enough to keep")
    return Check("columns", "ok", f"{folder}, {size:,} bytes")


def _room(path: Path) -> Check:
    folder = next(folder for folder in path.absolute().parents if folder.is_dir())
    free = shutil.disk_usage(folder).free
    needed = max(LITTLE_ROOM, 2 * path.stat().st_size if path.is_file() else 0)  # an erasure writes the file anew
    return Check("disk", "ok" if free >= needed else "warn", f"{free:,} bytes free in {folder}")


def _embedder(settings: Settings) -> Iterator[Check]:
    from remanence.opening import EMBEDDER
    from remanence.registry import build

    embedder = service(settings, "embed") or build("embed", EMBEDDER)
    (vector,) = embedder.embed(["Remanence is what stays."])
    yield Check("embedder", "ok", f"{embedder.id}, {len(vector)} dimensions")


def _language_model(settings: Settings) -> Iterator[Check]:
    lm = service(settings, "lm")
    if lm is None:
        yield Check("language model", "ok", "none is set; rules do what can be done without one")
        return
    lm.keywords("Remanence is what stays when the field is gone.", n=1)
    yield Check("language model", "ok", f"{lm.name} answers")


def _mcp() -> Iterator[Check]:
    """Whether tools can be offered, and whether the programs that were told to start us can."""
    entries = {name: entry for name, client in CLIENTS.items() if (entry := client.held())}
    lost = [f"{name} starts {entry.get('command')!r}" for name, entry in entries.items() if not _can_start(entry)]
    if lost:
        again = "remanence mcp install --client NAME"
        yield Check("mcp", "fail", f"{', '.join(lost)}, which is not there; write it anew: {again}")
        return
    try:
        said = version("mcp")
    except PackageNotFoundError:
        said = "the SDK is not installed: pip install 'remanence[mcp]'"
    yield Check("mcp", "ok", "; ".join([said, *(f"{name} starts it" for name in entries)]))


def _can_start(entry: Entry) -> bool:
    """A client that speaks HTTP starts nothing."""
    return "url" in entry or shutil.which(str(entry.get("command", ""))) is not None
