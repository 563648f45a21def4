"""A pattern that is compiled when it is first used, so that importing the rules stays cheap.

Idea:    most processes never meet most shapes of sentence; `re` takes a millisecond or two for each large pattern.
"""

import re
import sys
from collections.abc import Iterator
from functools import cached_property


class Later:
    """Matches and searches as a compiled pattern does."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern, self.flags = pattern, flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, self.flags)

    def match(self, text: str, at: int = 0) -> re.Match[str] | None:
        return self.compiled.match(text, at)

    def search(self, text: str, at: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        return self.compiled.search(text, at, end)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        return self.compiled.finditer(text)
