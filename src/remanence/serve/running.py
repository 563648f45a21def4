"""Run the server until it is told to stop, and then stop in order."""

import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from remanence.errors import BadConfig
from remanence.serve.app import make
from remanence.serve.serving import Serving

LONGEST = 2**20  # bytes of a request before its body: a query may hold a thousand names
PATIENCE_S = 10  # for requests that are being answered when the server is told to stop


class Server(uvicorn.Server):
    """Lets streams end when a signal comes: they would be waited for."""

    def __init__(self, config: uvicorn.Config, serving: Serving):
        super().__init__(config)
        self.serving = serving

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.serving.stopping.set()
        super().handle_exit(sig, frame)


def run(serving: Serving, port: int, told: Callable[[str], None], made: Callable[[Serving], ASGIApp] = make) -> None:
    """Answer requests until a signal comes. `told` is given the address; port 0 takes any that is free."""
    if not serving.here_only and not any(key.good for key in serving.keys.list()):
        raise BadConfig(
            f"{serving.host} can be reached from other machines, and there is no key: `remanence keys make NAME "
            "--right write` gives one"
        )
    listening = _bound(serving.host, port)
    long = {"http": "h11", "h11_max_incomplete_event_size": LONGEST}
    quiet = {"log_level": "warning", "access_log": False, "server_header": False}  # what is asked is nobody's business
    config = uvicorn.Config(made(serving), timeout_graceful_shutdown=PATIENCE_S, **long, **quiet)  # type: ignore[arg-type]
    host, port = listening.getsockname()[:2]
    told(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    Server(config, serving).run(sockets=[listening])


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there; an OSError says what is wrong with the address."""
    family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        error.filename = f"{host}:{port}"
        raise
    # An answer is sent in two pieces; without this the second waits 40 ms for a client to acknowledge the first.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # those that are accepted have it from here
    return listening
