"""One request to a server of ours and its answer; what the server says is wrong becomes the error it is here.

Idea:    what was never sent, and what the server put off (429, 503), is sent again after a wait; what may have arrived
         is sent again only where doing it twice is doing it once.
Differs: redirects are not followed: they would carry the key elsewhere.
"""

import importlib
import json
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from remanence.errors import (
    BadConfig,
    BadInput,
    MissingExtra,
    NotFound,
    ReadOnly,
    RemanenceError,
    StoreError,
    Unreachable,
    title,
)

LATER = (429, 503)
LONGEST_WAIT_S = 30.0
STATUS = {400: BadInput, 401: BadConfig, 403: ReadOnly, 404: NotFound, 413: BadInput, 422: BadInput, 429: Unreachable}


@dataclass
class Wire:
    """Safe to share between threads; nothing is sent before it is asked for."""

    url: str
    key: str = field(default="", repr=False)
    timeout_s: float = 120.0
    retries: int = 3
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise BadConfig(f"a server's address is http://host:port or https://host:port, got {self.url!r}")
        self.http = _httpx()
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        tls = parts.scheme == "https"  # reading the certificates takes 0.1 s: not for plain http
        self.client = self.http.Client(
            base_url=self.url.rstrip("/"), headers=headers, timeout=self.timeout_s, verify=tls, follow_redirects=False
        )
        weakref.finalize(self, self.client.close)

    def ask(self, method: str, path: str, *, twice: bool = False, **what: Any) -> dict[str, Any]:
        """The JSON of the answer. `twice` says that doing it again does no more than doing it once."""
        answer = self._sent(method, path, twice or method == "GET", what)
        try:
            data = answer.json()
        except ValueError:
            data = None
        if answer.is_success and isinstance(data, dict):
            return data
        raise _failure(answer.status_code, data, f"{method} {self.url}{path}")

    @contextmanager
    def fetched(self, path: str, into: Path, **what: Any) -> Iterator[None]:
        """The body of an answer as a file, for as long as the block lasts."""
        try:
            with self._speaking(), self.client.stream("GET", path, **what) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _failure(answer.status_code, _object(answer.content), f"GET {self.url}{path}")
                with into.open("wb") as file:
                    for chunk in answer.iter_bytes():
                        file.write(chunk)
            yield
        finally:
            into.unlink(missing_ok=True)

    def close(self) -> None:
        self.client.close()

    def _sent(self, method: str, path: str, twice: bool, what: dict[str, Any]) -> Any:
        for attempt in range(self.retries + 1):
            last = attempt == self.retries
            try:
                answer = self.client.request(method, path, **what)
            except (self.http.ConnectError, self.http.ConnectTimeout) as error:
                if last:
                    raise self._unreachable(error) from None
            except self.http.TransportError as error:
                if last or not twice:
                    raise self._unreachable(error) from None
            else:
                if answer.status_code not in LATER or last:
                    return answer
                self.sleep(_wait(answer.headers, attempt))
                continue
            self.sleep(_wait({}, attempt))
        raise AssertionError("the last attempt answers or raises")

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except self.http.TransportError as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(f"{self.url} does not answer ({error}); is `remanence serve` running there?")


def _failure(status: int, data: Any, asked: str) -> RemanenceError:
    """The error that the server's problem document tells of."""
    if not isinstance(data, dict) or "title" not in data:
        return StoreError(f"{asked} was answered with {status}, and not by a Remanence server")
    return failure(str(data["title"]), str(data.get("detail", "")), STATUS.get(status, StoreError))


def failure(title: str, detail: str, otherwise: type[RemanenceError] = StoreError) -> RemanenceError:
    """The error of this title, as it would have been raised on this machine."""
    return KINDS.get(title, otherwise)(detail or title)


def _wait(headers: Mapping[str, str], attempt: int) -> float:
    said = headers.get("retry-after", "")
    return min(float(said) if said.isdigit() else 0.25 * 2.0**attempt, LONGEST_WAIT_S)


def _object(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _all(kind: type[RemanenceError]) -> Iterator[type[RemanenceError]]:
    yield kind
    for sub in kind.__subclasses__():
        yield from _all(sub)


KINDS = {title(kind): kind for kind in _all(RemanenceError)}


def _httpx() -> Any:
    try:
        return importlib.import_module("httpx2")
    except ImportError:
        raise MissingExtra("talking to a server needs httpx2: pip install 'remanence[http]'") from None
