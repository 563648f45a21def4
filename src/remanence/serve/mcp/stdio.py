"""MCP on standard input and output, where a stray word would break the protocol: it goes to standard error."""

import io
import sys
from contextlib import redirect_stdout
from typing import Any

from remanence.serve.mcp.sdk import sdk


class _Unclosed:
    """A buffer that its user cannot close: 1.x of the SDK closes standard output when it is done."""

    def __init__(self, buffer: Any):
        self._buffer = buffer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._buffer, name)

    def close(self) -> None:
        self._buffer.flush()


class _Output(io.TextIOBase):
    """In the place of standard output: the SDK takes the buffer, everybody else writes to standard error."""

    def __init__(self, buffer: Any):
        self.buffer = _Unclosed(buffer)

    def write(self, text: str) -> int:
        return sys.stderr.write(text)


def speak(server: Any) -> None:
    """Answer until the input ends."""
    if sdk().major > 1:  # which does all of this
        server.run("stdio")
        return
    with redirect_stdout(_Output(sys.stdout.buffer)):
        server.run("stdio")
