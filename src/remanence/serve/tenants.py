"""The memories that are served, one file a tenant: what is in another file cannot be found by mistake."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from remanence.errors import BadInput, ReadOnly
from remanence.local import Local

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True)
class Held:
    """One open memory. `changing` is held from looking at a record to changing it, so that If-Match means something."""

    memory: Local
    changing: threading.RLock = field(default_factory=threading.RLock)


class Tenants:
    """Opened when first asked for, kept open, closed at the end. "" is the memory at `path` itself."""

    def __init__(self, path: Path, open: Callable[[Path], Local], *, named: bool = False):
        self.path, self.open, self.named = path, open, named
        self.folder = path.with_name(f"{path.stem}.tenants")
        self.held: dict[str, Held] = {}
        self.opening = threading.Lock()

    def __getitem__(self, tenant: str) -> Held:
        found = self.held.get(tenant)
        if found is not None:
            return found
        with self.opening:
            if tenant not in self.held:
                path = self.path_of(tenant)
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.held[tenant] = Held(self.open(path))
            return self.held[tenant]

    def path_of(self, tenant: str) -> Path:
        if not tenant:
            return self.path
        if not self.named:
            raise ReadOnly(f"the key is of tenant {tenant!r}, and this server was not started with --tenants")
        return self.folder / f"{checked(tenant)}.db"

    def close(self) -> None:
        with self.opening:
            for held in self.held.values():
                held.memory.close()
            self.held.clear()


def checked(tenant: str) -> str:
    """The name, if it is one: it becomes the name of a file."""
    if not NAME.fullmatch(tenant):
        raise BadInput(f"a tenant's name is up to 63 of a-z, 0-9 and -, not - first; got {tenant!r}")
    return tenant
