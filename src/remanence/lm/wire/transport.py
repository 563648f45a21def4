"""One JSON request to one address, sent until it is answered or there is no more point.

Idea:    what may pass by itself (429, 5xx, a lost connection, a cut body, a stall) is tried again after a wait that
         doubles, or as long as Retry-After asks; everything else is said at once.
Cost:    at most `1 + retries` requests, each at most `timeout_s` long from first to last byte.
Differs: replies are not streamed to the caller, and redirects are not followed (they would carry the key elsewhere).
"""

import importlib
import json
import random
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from remanence.errors import BadConfig, MissingExtra, Unavailable

AGAIN = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529))
LONGEST_WAIT_S = 60.0
LARGEST_REPLY = 256 * 1024 * 1024  # bytes; a reply beyond it is a mistake, not an answer


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: a status below 500 that is not about asking later, and the JSON with it."""

    status: int
    body: Any
    retries: int


class _Again(Exception):
    """This attempt failed in a way that may pass; `wait_s` is what the server asked for."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


@dataclass
class Transport:
    """`key` goes into the headers that the caller gives and nowhere else; messages that repeat it are blanked."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    key: str = field(default="", repr=False)
    timeout_s: float = 60.0
    retries: int = 3
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    _client: Any = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadConfig(f"url must begin with http:// or https:// and name a host, got {self.shown!r}")
        if self.timeout_s <= 0 or self.retries < 0:
            raise BadConfig(f"timeout_s must be > 0 and retries >= 0, got {self.timeout_s} and {self.retries}")

    @property
    def shown(self) -> str:
        """The address without a name, password or query, fit for a message."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def post(self, payload: Mapping[str, Any]) -> Reply:
        """The reply to the payload; Unavailable when none came, or when asking again would not help."""
        # A lone surrogate cannot be sent; a question mark in its place can.
        data = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        failed = ""
        for attempt in range(self.retries + 1):
            try:
                return self._once(data, attempt)
            except _Again as error:
                failed = str(error)
                if attempt < self.retries:
                    self.sleep(self._wait(attempt, error.wait_s))
        raise Unavailable(self.blank(f"{self.shown} did not answer in {self.retries + 1} attempts: {failed}"))

    def close(self) -> None:
        """Let go of the connections; the next request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _once(self, data: bytes, attempt: int) -> Reply:
        http = _httpx()
        try:
            status, headers, raw = self._send(data)
        except http.TimeoutException:
            raise _Again(f"nothing came within {self.timeout_s:g} s") from None
        except (http.TransportError, http.DecodingError) as error:
            raise _Again(f"{type(error).__name__}: {error}") from None
        except http.InvalidURL as error:
            raise BadConfig(f"not an address: {self.shown!r} ({error})") from None
        said = raw.decode("utf-8", "replace")
        if status in AGAIN or status >= 500:
            raise _Again(f"HTTP {status}: {_short(said)}", _seconds(headers.get("retry-after", "")))
        if status in (401, 403):
            raise Unavailable(self.blank(f"{self.shown} refused the key (HTTP {status}): {_short(said)}"))
        if status == 404 or 300 <= status < 400:
            raise Unavailable(
                self.blank(f"{self.shown} is not there (HTTP {status}): {_short(said)}. Check url and model")
            )
        try:
            return Reply(status, json.loads(raw), attempt)
        except ValueError:
            if status >= 400:
                return Reply(status, {"error": {"message": said}}, attempt)
            raise _Again(f"the reply is cut or is not JSON: {_short(said)}") from None

    def _send(self, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body, all within `timeout_s`, however slowly it drips."""
        http = _httpx()
        until = time.monotonic() + self.timeout_s
        headers = {"content-type": "application/json", **self.headers}
        chunks: list[bytes] = []
        size = 0
        with self._open().stream("POST", self.url, content=data, headers=headers) as response:
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if time.monotonic() > until:
                    raise http.ReadTimeout("the reply came too slowly")
                if size > LARGEST_REPLY:
                    raise Unavailable(f"{self.shown} sent more than {LARGEST_REPLY} bytes")
            return response.status_code, response.headers, b"".join(chunks)

    def _open(self) -> Any:
        http = _httpx()
        with self._lock:
            if self._client is None:
                tls = urlsplit(self.url).scheme == "https"  # reading the certificates takes 0.1 s: not for plain http
                self._client = http.Client(timeout=self.timeout_s, follow_redirects=False, verify=tls)
                weakref.finalize(self, self._client.close)
            return self._client

    def _wait(self, attempt: int, asked_s: float | None) -> float:
        if asked_s is not None:
            return min(asked_s, LONGEST_WAIT_S)
        return min(0.5 * 2.0**attempt, LONGEST_WAIT_S) * (0.5 + random.random() / 2)  # spread, so callers do not march

    def blank(self, message: str) -> str:
        """The message without the key, which some servers repeat."""
        return message.replace(self.key, "***") if self.key else message


def _httpx() -> Any:
    try:
        return importlib.import_module("httpx2")
    except ImportError:
        raise MissingExtra("talking to a model over HTTP needs httpx2: pip install 'remanence[http]'") from None


def _seconds(header: str) -> float | None:
    """Retry-After: a number of seconds or a date."""
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:300] + "..."
