"""Who looks at the page: a random token in a cookie, and what this process knows of it. The key itself is not kept.

A form carries a second token, made of the first with a secret of this process: another site can neither read the
cookie nor make the form's token, so a form that carries the right one was drawn by us for this visitor.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable

IDLE_S = 12 * 3600.0  # so long after the last look a visitor signs in again
MOST = 10_000  # signed in at once; the one idle for longest goes first


class Visits:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.secret, self.clock, self.lock = secrets.token_bytes(32), clock, threading.Lock()
        self.signed: dict[str, tuple[str, float]] = {}  # token: the key's id, when it was last seen; longest idle first

    def token(self) -> str:
        """A new visitor, who has not signed in."""
        return secrets.token_urlsafe(32)

    def sign_in(self, key: str) -> str:
        """The token of a visitor who showed the key with this id."""
        with self.lock:
            while len(self.signed) >= MOST:
                del self.signed[next(iter(self.signed))]
            token = self.token()
            self.signed[token] = (key, self.clock())
            return token

    def sign_out(self, token: str) -> None:
        with self.lock:
            self.signed.pop(token, None)

    def key(self, token: str) -> str:
        """The id of the key this visitor showed; "" when none, or too long ago."""
        with self.lock:
            key, seen = self.signed.pop(token, ("", 0.0))
            if not key or self.clock() - seen > IDLE_S:
                return ""
            self.signed[token] = (key, self.clock())
            return key

    def form_token(self, token: str) -> str:
        return hmac.new(self.secret, token.encode(), hashlib.sha256).hexdigest()

    def drew(self, token: str, form_token: str) -> bool:
        """Whether a form with this token was drawn for this visitor."""
        return bool(token) and hmac.compare_digest(self.form_token(token).encode(), form_token.encode())
