"""An embedder as a contender: every event a vector, every question compared with all of them. Exact, in RAM."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from remanence.bench.base import Advance, Found, Probe
from remanence.embed.base import Base as Embedder
from remanence.embed.base import Vectors
from remanence.errors import BadConfig
from remanence.lm.base import Usage
from remanence.opening import EMBEDDER
from remanence.records import Event
from remanence.registry import build


@dataclass
class EmbedderAlone:
    form: ClassVar[str] = "embed"

    name: str = EMBEDDER
    embed: Embedder | None = None  # the one that `name` stands for, when it is not one of ours
    speaker: bool = True  # "Ana: " before what Ana said, as in a transcript; without it names in questions find nothing

    @cached_property
    def embedder(self) -> Embedder:
        built: Embedder = self.embed or build("embed", self.name)
        return built

    def about(self) -> dict[str, Any]:
        return {"embedder": self.embedder.id, "settings": {"dim": self.embedder.dim, "speaker": self.speaker}}

    def subject(self) -> "EmbedderSubject":
        return EmbedderSubject(self.embedder, self.speaker)

    def usage(self) -> Usage:
        return Usage()


@dataclass
class EmbedderSubject:
    embedder: Embedder
    speaker: bool
    events: list[Event] = field(default_factory=list)
    vectors: list[Vectors] = field(default_factory=list)

    def observe(self, events: Sequence[Event]) -> None:
        said = [f"{e.speaker}: {e.text}" if self.speaker and e.speaker else e.text for e in events]
        self.vectors.append(self.embedder.embed(said))
        self.events += events

    def advance(self, step: Advance) -> None:
        """Vectors do not age."""

    def recall(self, probe: Probe) -> Found:
        if probe.which:
            raise BadConfig(f"an embedder alone cannot filter by {', '.join(probe.which)}")
        if not self.events:
            return Found()
        self.vectors = [np.concatenate(self.vectors)]
        scores = self.vectors[0] @ self.embedder.embed([probe.question])[0]
        best = np.argsort(-scores, kind="stable")[: probe.k].tolist()
        return Found(tuple(self.events[i].text for i in best), tuple((self.events[i].id,) for i in best))

    def ask(self, probe: Probe) -> str:
        raise BadConfig("an embedder alone answers nothing in words")

    def sizes(self) -> dict[str, int]:
        return {"bytes": sum(part.nbytes for part in self.vectors)}

    def close(self) -> None:
        """Nothing is held open."""
