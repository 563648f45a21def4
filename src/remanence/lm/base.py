"""The questions a memory asks. A method never holds a client: it asks, and whoever is there answers.

An answer that cannot be given raises (see errors.LMError): an empty list always means "there is none".
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Verdict = Literal["same", "updates", "extends", "unrelated"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing a text says, as a sentence that stands alone, and where the text says it (characters)."""

    text: str
    start: int
    end: int
    subject: str = ""
    relation: str = ""
    object: str = ""
    at: datetime | None = None  # when it happened or began to hold, if the text says so; UTC


@dataclass(frozen=True, slots=True)
class Triple:
    """subject - relation - object, and the characters of the text that say it."""

    subject: str
    relation: str
    object: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the memories say to a question; `cites` are positions in the list of memories that was given."""

    text: str
    cites: tuple[int, ...] = ()


@dataclass
class Usage:
    """What asking has cost so far."""

    calls: int = 0
    prompt_tokens: int = 0
    reply_tokens: int = 0
    retries: int = 0
    seconds: float = 0.0
    estimated: int = 0  # calls whose server did not count tokens: characters / 4 were counted instead


@dataclass
class Base(ABC):
    """`name` says who answered; it is kept with every record made from an answer."""

    name: str = field(default="", init=False)
    usage: Usage = field(default_factory=Usage, init=False, repr=False)

    @abstractmethod
    def facts(self, text: str, *, speaker: str = "", at: datetime | None = None) -> list[Fact]:
        """What the text says, one sentence each, first person replaced by the speaker, relative dates by dates."""

    @abstractmethod
    def triples(self, text: str, *, speaker: str = "") -> list[Triple]:
        """The relations between things that the text states."""

    @abstractmethod
    def keywords(self, text: str, *, n: int = 8) -> list[str]:
        """The n words or phrases that say best what the text is about, best first."""

    @abstractmethod
    def summary(self, texts: Sequence[str], *, about: str = "", previous: str = "", words: int = 80) -> str:
        """At most `words` words of what the texts say (about somebody or something), going on from `previous`."""

    @abstractmethod
    def importance(self, text: str) -> float:
        """How much it would matter to have forgotten this, in [0, 1]."""

    @abstractmethod
    def conflict(self, old: str, new: str) -> Verdict:
        """What the new statement does to the old one: says the same, updates, extends, or leaves it alone."""

    @abstractmethod
    def relevant(self, question: str, texts: Sequence[str]) -> list[float]:
        """For each text how much it helps to answer the question, in [0, 1], in the order given."""

    @abstractmethod
    def answer(self, question: str, memories: Sequence[str]) -> Answer:
        """The answer that these memories give; CannotAnswer when they, or this model, give none."""
