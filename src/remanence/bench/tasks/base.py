"""The contract of a task: worlds to live through, and a grade for each answer.

A task is a dataclass whose fields are its settings, all with defaults. It knows no memory: it gives steps, and grades
what was found by the key in the probe and nothing else.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from remanence.bench.base import Found, Probe, Score, World


@dataclass
class Base(ABC):
    """`metrics` says what each number means, the headline first; `forms` whom the task can be put to.

    Probes are averaged by each of their tags; by the two that `crossed` names also together, as a heat map shows them.
    """

    metrics: ClassVar[Mapping[str, str]]
    forms: ClassVar[tuple[str, ...]] = ("text",)
    crossed: ClassVar[tuple[str, ...]] = ()

    data: str = "data"  # folder of the downloaded data; never part of a result

    @abstractmethod
    def worlds(self, seed: int) -> Iterator[World]:
        """The same worlds for the same seed and settings. Missing or altered data is a BadConfig."""

    @abstractmethod
    def grade(self, world: World, probe: Probe, found: Found) -> Mapping[str, Score]:
        """One score a metric; a metric that does not apply to this probe is left out."""

    def size(self) -> int | None:
        """How many probes there are, for a progress bar; None when only asking them would tell."""
        return None

    def notes(self) -> list[str]:
        """What a reader of the numbers has to know: what was left out, which key was used."""
        return []
