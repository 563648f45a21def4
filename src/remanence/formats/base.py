"""The contract of a format: a file (or a folder of files) in, events out; for some formats also the way back.

A format is a dataclass whose fields are its settings, all with defaults. What is broken inside a file is reported by
file and line while the rest comes through; a file that is not of the format at all raises BadInput. Reading streams:
memory does not grow with the file. Whose memory it becomes is the caller's business: `dataclasses.replace(event,
scope=...)`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from remanence.errors import BadInput
from remanence.records import Event, Op, Record

Item = Event | Record | Op
PATIENCE = 1000  # problems in a row, with nothing read, after which the file is called something else


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a file that could not be kept as it stands; the rest was.

    `line` counts from 1, 0 meaning the file as a whole; in a file that is one JSON array it counts the array's items
    and `unit` is "item".
    """

    file: str
    line: int
    message: str
    unit: Literal["line", "item"] = "line"

    def __str__(self) -> str:
        where = f", {self.unit} {self.line}" if self.line else ""
        return f"{self.file}{where}: {self.message}"


Report = Callable[[Problem], None]
Progress = Callable[[int, int], None]  # bytes read so far, bytes there are


@dataclass
class Base(ABC):
    """`recognises` and `items` make a format that is read; `writes` and `write` make one that is also written.

    `suffixes` is how its files usually end. `expected` says in one line what such a file looks like. `general` is for
    formats that would also recognise the files of a more particular one; they are asked last.
    """

    suffixes: ClassVar[tuple[str, ...]]
    expected: ClassVar[str]
    general: ClassVar[bool] = False
    writes: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Whether the first kilobytes look like this format. Never raises."""

    @abstractmethod
    def items(self, path: Path, report: Report, progress: Progress | None) -> Iterator[Item]:
        """What the file holds, in its order. Callers use `read` or `read_all`."""

    def complete(self, path: Path) -> bool:
        """Whether the file is an export of ours with its whole log, so that nothing needs to be derived."""
        return False

    def write(self, path: Path, items: Iterable[Item]) -> int:
        """Write what this format can hold of `items`; how many that was."""
        raise BadInput(f"{type(self).__name__} files are read, never written")

    def read(self, path: Path, report: Report, progress: Progress | None = None) -> Iterator[Event]:
        """The events of a file, in its order."""
        return (item for item in self.read_all(path, report, progress) if isinstance(item, Event))

    def read_all(self, path: Path, report: Report, progress: Progress | None = None) -> Iterator[Item]:
        """Everything a file holds: its events and, in a file of ours, what was derived and how it changed.

        BadInput comes with the first `next`, or at the end when nothing of the file could be read.
        """
        first: Problem | None = None
        problems, found = 0, False

        def count(problem: Problem) -> None:
            nonlocal first, problems
            first, problems = first or problem, problems + 1
            report(problem)
            if problems >= PATIENCE and not found:
                raise self._refusal(path, problem)

        for item in self.items(path, count, progress):
            found = True
            yield item
        if first and not found:
            raise self._refusal(path, first)

    def _refusal(self, path: Path, problem: Problem) -> BadInput:
        return BadInput(f"nothing in {path} could be read: expected {self.expected}; {problem}")
