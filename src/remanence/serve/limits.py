"""What is refused before it is looked at: another site's requests, too long a body, too many at once.

A page on the web can make a browser ask a server on the reader's own machine. It cannot choose the Host header, and
a name it owns that points here (DNS rebinding) is on no list; an address in digits cannot be rebound.
"""

import ipaddress
import threading
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remanence.serve.problem import Problem

BODY = 4 * 2**20  # bytes of a request
IMPORT = 2**30  # bytes of an import, which goes to a file
UNLIMITED = "/v1/import"
HERE = "localhost"
SAFE = ("GET", "HEAD", "OPTIONS")
FORGOTTEN_S = 600.0  # a bucket that was not used for so long is full, and need not be kept


class Limits:
    """The layer that refuses. `allowed` are names of hosts; "*" allows all."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str], body: int):
        self.app, self.allowed, self.body = app, allowed, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._known(host):
            raise Problem(421, "not served here", f"no host {host!r:.80} here; the server's --allowed-host adds one")
        if scope["method"] not in SAFE and _foreign(headers, host):
            raise Problem(403, "another site's request", "this came from a page of another site")
        most = IMPORT if scope["path"] == UNLIMITED else self.body
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > most:
            raise _too_long(most)
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise _too_long(most)
            return message

        await self.app(scope, counted, send)

    def _known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self.allowed or name == HERE or "*" in self.allowed or _address(name) is not None


class Rate:
    """A bucket of tokens a key: it holds one second's worth (at least one) and refills all the time."""

    def __init__(self, per_second: float):
        self.per_second, self.most = per_second, max(1.0, per_second)
        self.buckets: dict[str, tuple[float, float]] = {}  # tokens, and when they were counted
        self.lock, self.swept = threading.Lock(), time.monotonic()

    def take(self, who: str) -> float:
        """Take a token: 0, or how many seconds to wait for the next."""
        if not self.per_second:
            return 0.0
        now = time.monotonic()
        with self.lock:
            self._sweep(now)
            tokens, counted = self.buckets.get(who, (self.most, now))
            tokens = min(self.most, tokens + (now - counted) * self.per_second)
            enough = tokens >= 1
            self.buckets[who] = (tokens - enough, now)
        return 0.0 if enough else (1 - tokens) / self.per_second

    def _sweep(self, now: float) -> None:
        if now - self.swept > FORGOTTEN_S:
            self.swept = now
            self.buckets = {who: held for who, held in self.buckets.items() if now - held[1] < FORGOTTEN_S}


def loopback(host: str) -> bool:
    """Whether only programs on this machine can reach this address."""
    address = _address(host)
    return host == HERE or (address is not None and address.is_loopback)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _foreign(headers: Headers, host: str) -> bool:
    origin = headers.get("origin", "")
    elsewhere = bool(origin) and origin.partition("://")[2] != host
    return elsewhere or headers.get("sec-fetch-site", "") in ("cross-site", "same-site")


def _too_long(most: int) -> Problem:
    return Problem(413, "too long", f"a request here is at most {most:,} bytes long")
