"""A bar on a terminal, nothing in a pipe."""

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

WIDTH = 30
EVERY = 0.1  # seconds between drawings


@dataclass
class Bar:
    """Handed to `run` as its `progress`; `close` wipes the line."""

    to: TextIO = field(default_factory=lambda: sys.stderr)
    drawn: float = 0.0

    def __call__(self, who: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if not self.to.isatty() or (now - self.drawn < EVERY and done != total):
            return
        self.drawn = now
        filled = WIDTH * done // total if total else 0
        bar = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total}" if total else str(done)
        self.to.write(f"\r\x1b[K{who} {bar}")
        self.to.flush()

    def close(self) -> None:
        if self.to.isatty():
            self.to.write("\r\x1b[K")
            self.to.flush()
