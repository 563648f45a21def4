"""What was recalled and comes back in an assistant's or a tool's words is not a new memory.

Without this, an agent that quotes its memories writes them again at every turn (the loop in mem0's issue 4573).
Kept as hashes, for as long as the process lives; the event itself is always kept.
"""

import re
from collections.abc import Iterable

from remanence.records import Event, digest

MARKS = re.compile(r"^\s*[-*•>]*\s*|\s*\[[0-9a-f]{8}\]\s*$")


class Recalled:
    """The lines that were handed out."""

    def __init__(self) -> None:
        self.hashes: set[str] = set()

    def add(self, texts: Iterable[str]) -> None:
        self.hashes.update(_hash(line) for text in texts for line in text.splitlines() if line.strip())

    def forget(self) -> None:
        self.hashes.clear()

    def echoes(self, event: Event) -> bool:
        """Whether an event says nothing but what was recalled before. What a user says always counts."""
        if event.channel not in ("assistant", "tool") or not self.hashes:
            return False
        lines = [line for line in event.text.splitlines() if line.strip() and not line.startswith("What is remembered")]
        return all(_hash(line) in self.hashes for line in lines)


def _hash(line: str) -> str:
    return digest(" ".join(MARKS.sub("", line).casefold().split()))
