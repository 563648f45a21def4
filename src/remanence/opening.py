"""How a memory is opened: the file, its embedder and its method are settled here, and nowhere else."""

import tempfile
from pathlib import Path
from typing import Any

from remanence.embed.base import Base as Embedder
from remanence.errors import BadConfig, OtherMethod
from remanence.given import Progress
from remanence.lm.base import Base as LM
from remanence.local import Local
from remanence.memory import Memory
from remanence.registry import build, load, names
from remanence.store.base import Base as Store
from remanence.text.base import derives

METHOD, EMBEDDER, LANGUAGE_MODEL = "hybrid", "static", "rules"  # what is used when nothing is said
SERVERS = ("http://", "https://")


def open(
    path: str | Path = ":memory:",
    *,
    key: str = "",
    method: str | None = None,
    embed: str | Embedder | None = None,
    lm: str | LM | None = None,
    read_only: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> Memory:
    """A memory in one file, made when it is not there; ":memory:" keeps it in a temporary file until it is closed.

    `settings` are the method's. A store remembers its method and embedder: say another method and it is an error that
    names `rebuild`, say another embedder and what is held is embedded anew.

    "http://host:port" is the memory that a server holds, with the same verbs: give the `key` it asks for, and nothing
    else, since the server settles the rest.
    """
    how = {"method": method, "embed": embed, "lm": lm, "read_only": read_only or None, "progress": progress}
    said = {name: value for name, value in how.items() if value is not None} | settings
    if not str(path).startswith(SERVERS):
        if key:
            raise BadConfig(f"a file needs no key; a server's address begins with http:// or https://, got {path}")
        return open_file(path, **said)
    if said:
        raise BadConfig(f"the server settles {', '.join(said)}; of {path} only the key is said here")
    from remanence.remote.client import Remote
    from remanence.remote.wire import Wire

    return Remote(Wire(str(path), key))


def open_file(
    path: str | Path = ":memory:",
    *,
    method: str | None = None,
    embed: str | Embedder | None = None,
    lm: str | LM = LANGUAGE_MODEL,
    read_only: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> Local:
    """As `open`, of a file."""
    from remanence.store.sqlite import SQLite

    asked = embed if isinstance(embed, Embedder) else build("embed", embed or EMBEDDER)
    model = lm if isinstance(lm, LM) else build("lm", lm)
    if method is not None:
        load("text", method)  # a name nobody knows is said before a file is made
    folder = tempfile.TemporaryDirectory(prefix="remanence-") if str(path) == ":memory:" else None
    try:
        store = SQLite(Path(folder.name) / "memory.db" if folder else path, asked, read_only=read_only)
        try:
            _settle_embedder(store, asked, given=embed is not None, progress=progress)
            name = _settle_method(store, method)
            built = build("text", name, {"lm": model}, **settings)
            store.settle(name)
            if name != (name := _settle_method(store, method)):  # another process made the file at the same moment
                built = build("text", name, {"lm": model}, **settings)
            return Local(store, built, name, model, folder)
        except BaseException:
            store.close()
            raise
    except BaseException:
        if folder:
            folder.cleanup()
        raise


def _settle_embedder(store: Store, embedder: Embedder, *, given: bool, progress: Progress | None) -> None:
    """Use the embedder the store was made with, unless another was asked for: then embed anew."""
    held = str(store.status()["embedder"])
    if held == embedder.id:
        return
    if given or held.split("-")[0] == embedder.id.split("-")[0] == EMBEDDER:  # asked for, or an older table of ours
        store.reembed(embedder, progress=progress)
        return
    for name in names("embed"):
        try:
            candidate: Embedder = build("embed", name)
        except TypeError:  # it needs settings we do not have, a URL for instance
            continue
        if candidate.id == held:
            store.embedder = candidate
            return
    raise BadConfig(f"the vectors of this memory are of {held!r}; give embed=..., its own or another to embed anew")


def _settle_method(store: Store, asked: str | None) -> str:
    """The name of the method to use."""
    held = store.method
    if not held:
        return asked or METHOD
    if asked is None or asked == held:
        return held
    if derives(asked) == derives(held):
        return asked
    raise OtherMethod(f"these memories were derived by {held!r}; open them with it and rebuild({asked!r})")
