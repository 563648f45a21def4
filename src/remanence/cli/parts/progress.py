"""How far something has come, on one line of a terminal; nothing anywhere else."""

import sys
import time

EVERY_S = 0.1


class Progress:
    """Call it with how much is done and, if known, of how much. Good as a context: the line is gone after it."""

    def __init__(self, what: str):
        self.what, self.shown, self.next = what, False, 0.0
        self.wanted = sys.stderr.isatty()

    def __call__(self, done: int, total: int | None = None) -> None:
        if not self.wanted or time.monotonic() < self.next:
            return
        self.next, self.shown = time.monotonic() + EVERY_S, True
        share = f"{done / total:4.0%}" if total else f"{done:,}"
        sys.stderr.write(f"\r\x1b[K{self.what} {share}")
        sys.stderr.flush()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
