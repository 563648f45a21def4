"""One run of one command: what was said, and the memory it is about."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remanence.cli.parts.progress import Progress
from remanence.cli.parts.services import service
from remanence.errors import BadConfig, NotFound
from remanence.settings import Settings, load

if TYPE_CHECKING:
    from remanence.memory import Memory

ANEW = "remanence rebuild --only-vectors --embed NAME"


class Refused(click.ClickException):
    """What was asked is possible and was not done."""

    exit_code = 4


@dataclass(frozen=True)
class Run:
    """`flags` are the settings said on the command line."""

    flags: dict[str, str]
    json: bool = False

    @classmethod
    def of(cls, context: click.Context) -> "Run":
        said = dict(context.ensure_object(dict))
        return cls(json=bool(said.pop("json", False)), flags=said)

    @cached_property
    def settings(self) -> Settings:
        return load(**self.flags)

    @property
    def path(self) -> Path:
        return Path(self.settings.memory)

    def open(self, *, writes: bool, new: bool = False, reembed: Progress | None = None, **instead: Any) -> "Memory":
        """The memory. Only what adds may make a new file: a mistyped path is no empty memory."""
        import remanence

        said = self.settings
        services = {"embed": service(said, "embed"), "lm": service(said, "lm"), "method": said.method} | instead
        if new:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is remembered is private
        else:
            self.exists()
        if services["embed"] is not None and reembed is None:
            self._same_embedder(services["embed"].id)
        try:
            return remanence.open(
                self.path,
                **{name: value for name, value in services.items() if value},
                read_only=not (writes or new),
                progress=reembed,
            )
        except BadConfig as error:
            if services["embed"] is None:  # the embedder it was made with is not to be had
                error.add_note(f"On the command line: {ANEW}")
            raise

    def exists(self) -> None:
        """A memory that is not there is an error."""
        if not self.path.is_file():
            raise NotFound(f"there is no memory at {self.path}; `remanence add` begins one, --memory names another")

    def held(self) -> dict[str, Any]:
        """What the file says of itself, whether or not its method and its embedder are to be had."""
        from remanence.store.schema import connect, speaking_plainly

        self.exists()
        with closing(connect(self.path, read_only=True)) as db, speaking_plainly(self.path):
            ((events,),) = db.execute("SELECT count(*) FROM event")
            ((records,),) = db.execute("SELECT count(*) FROM record")
            said = dict(db.execute("SELECT key, value FROM setting WHERE key IN ('embedder', 'method')"))
        return {"events": events, "records": records, **said}

    @contextmanager
    def recall(self, chosen: dict[str, Any]) -> Iterator[tuple["Memory", dict[str, Any]]]:
        """The memory as it is or was, and the arguments for asking it, from the options of `asked`."""
        as_of = chosen.pop("as_of")
        how = {name: said for name in ("k", "now") if (said := chosen.pop(name, None)) is not None}
        with self.open(writes=os.access(self.path, os.W_OK)) as memory:  # being recalled may strengthen a record
            yield memory.as_of(as_of) if as_of else memory, how | self.which(chosen)

    def which(self, chosen: dict[str, Any]) -> dict[str, Any]:
        """A filter as the memory takes it: what was chosen, within the scope of the settings."""
        return self.settings.scope() | {name: value for name, value in chosen.items() if value}

    def sure(self, question: str, yes: bool) -> None:
        """Go on only if the user wants it: said so with --yes, or says so now."""
        if yes:
            return
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Refused(f"{question} Nothing was changed: say --yes to do it without being asked.")
        if not click.confirm(question, err=True):
            raise Refused("Nothing was changed.")

    def _same_embedder(self, asked: str) -> None:
        """Refuse when the memory's vectors are of another embedder: everything is not embedded anew in passing."""
        if not (self.path.is_file() and self.path.stat().st_size):
            return
        held = self.held().get("embedder", asked)
        if held != asked:
            origin = self.settings.origin.get("embed") or self.settings.origin["embed_url"]
            raise Refused(
                f"{self.path} was embedded by {held!r}, not by {asked!r} ({origin}). Leave that setting out, or embed "
                f"everything anew: {ANEW}"
            )
