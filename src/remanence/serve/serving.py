"""What a server is made of: where the memories lie, who may ask, and how much."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from remanence.local import Local
from remanence.opening import open_file
from remanence.serve.idempotency import Answers
from remanence.serve.jobs import Jobs
from remanence.serve.keys import Keys
from remanence.serve.limits import BODY, Rate, loopback
from remanence.serve.metrics import Metrics
from remanence.serve.tenants import Tenants


class Serving:
    """Shared by all requests. `rate` is in requests a second of one key, 0 for no limit; `body` is in bytes.

    `named_tenants` lets keys open memories of their own beside the one at `path`.
    """

    def __init__(
        self,
        path: str | Path,
        open: Callable[[Path], Local] = open_file,
        *,
        host: str = "127.0.0.1",
        allowed_hosts: Iterable[str] = (),
        rate: float = 0,
        body: int = BODY,
        named_tenants: bool = False,
    ):
        self.path, self.host, self.body = Path(path), host, body
        self.allowed_hosts = frozenset({host.lower(), *(name.lower() for name in allowed_hosts)})
        self.tenants = Tenants(self.path, open, named=named_tenants)
        self.keys = Keys.beside(self.path)
        self.answers = Answers(self.path.with_name(f"{self.path.stem}.answers.db"))
        self.rate, self.jobs, self.metrics = Rate(rate), Jobs(), Metrics()
        self.stopping = threading.Event()  # set when the server is told to stop: what would go on for ever ends

    @property
    def here_only(self) -> bool:
        """Whether only programs on this machine can reach it."""
        return loopback(self.host)

    def close(self) -> None:
        """End the jobs, then let go of the memories."""
        self.stopping.set()
        self.jobs.close()
        self.tenants.close()
        self.answers.close()
        self.keys.close()
