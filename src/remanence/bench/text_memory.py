"""A text memory as a contender: each world in a memory of its own, in a temporary file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar

import remanence
from remanence.bench.base import Advance, Found, Probe
from remanence.embed.base import Base as Embedder
from remanence.lm.base import Base as LM
from remanence.lm.base import Usage
from remanence.memory import Memory
from remanence.opening import EMBEDDER, LANGUAGE_MODEL, METHOD
from remanence.records import Event
from remanence.registry import build


@dataclass
class TextMemory:
    """`settings` are the method's; embedder and language model are built once and shared by all worlds."""

    form: ClassVar[str] = "text"

    name: str = METHOD
    embed: str | Embedder = EMBEDDER
    lm: str | LM = LANGUAGE_MODEL
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def embedder(self) -> Embedder:
        built: Embedder = self.embed if isinstance(self.embed, Embedder) else build("embed", self.embed)
        return built

    @cached_property
    def model(self) -> LM:
        built: LM = self.lm if isinstance(self.lm, LM) else build("lm", self.lm)
        return built

    def about(self) -> dict[str, Any]:
        method = build("text", self.name, {"lm": self.model}, **self.settings)
        settings = {f.name: getattr(method, f.name) for f in fields(method) if f.init and f.name != "lm"}
        return {"settings": settings, "embedder": self.embedder.id, "lm": self.model.name}

    def subject(self) -> "TextSubject":
        return TextSubject(
            remanence.open(":memory:", method=self.name, embed=self.embedder, lm=self.model, **self.settings)
        )

    def usage(self) -> Usage:
        return replace(self.model.usage) if "model" in self.__dict__ else Usage()


@dataclass
class TextSubject:
    memory: Memory

    def observe(self, events: Sequence[Event]) -> None:
        self.memory.add_many(events)

    def advance(self, step: Advance) -> None:
        if step.consolidate:
            self.memory.consolidate(now=step.now)
        if step.forget:
            self.memory.forget(now=step.now)

    def recall(self, probe: Probe) -> Found:
        hits = self.memory.search(probe.question, probe.k, now=probe.now, **probe.which)
        return Found(tuple(hit.text for hit in hits), tuple(tuple(s.event for s in hit.sources) for hit in hits))

    def ask(self, probe: Probe) -> str:
        return self.memory.ask(probe.question, probe.k, now=probe.now, **probe.which).text

    def sizes(self) -> dict[str, int]:
        status = self.memory.status()
        return {name: int(status[name]) for name in ("bytes", "records", "operations", "pending")}

    def close(self) -> None:
        self.memory.close()
