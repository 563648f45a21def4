"""A tool: a function that takes a Reach and what the model says, and returns what it tells.

Its name, its docstring and its annotated parameters are what a model is shown; the rest are hints for the client.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from remanence.serve.mcp.told import Told


@dataclass(frozen=True, slots=True)
class Tool:
    """`reads`: changes nothing. `destroys`: takes something away. `again`: a second time changes nothing more."""

    function: Callable[..., Told[Any]]
    reads: bool = False
    destroys: bool = False
    again: bool = False

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def description(self) -> str:
        return " ".join((self.function.__doc__ or "").split())

    def hints(self) -> dict[str, bool]:
        """The annotations of the protocol; a memory is a closed world."""
        return {
            "readOnlyHint": self.reads,
            "destructiveHint": self.destroys,
            "idempotentHint": self.again or self.reads,
            "openWorldHint": False,
        }
