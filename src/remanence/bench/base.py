"""What a task and a memory under test say to each other. Neither knows the other's name.

A task gives worlds; a world is steps; a subject, with nothing in it at first, observes and answers; the task grades.
Everything here is frozen, so that a step can be given to one subject after another.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

from remanence.lm.base import Usage
from remanence.records import Event

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Observe:
    """These things happened: keep them. What one step holds is written at once, so its size is the batch size."""

    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Advance:
    """It is now this time. The subject may look at everything again, and let fade what has faded."""

    now: datetime
    consolidate: bool = True
    forget: bool = False


@dataclass(frozen=True)
class Probe:
    """A question with its key.

    `gold` are the ids of the events that hold the answer; `answers` are the right ones, any of which will do, and
    `outdated` those that were right once. `which` narrows what may answer, as `Memory.search` takes it: user, as_of,
    sessions, ... With `ask` an answer in words is wanted too. `tags` name the groups that are averaged on their own.
    """

    question: str
    gold: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    k: int = 10
    now: datetime | None = None
    which: Mapping[str, Any] = field(default_factory=dict)
    ask: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Read:
    """These tokens come next in what a frozen model reads; `ids` are of its vocabulary."""

    ids: Sequence[int]


@dataclass(frozen=True)
class Continue(Probe):
    """A question in tokens: after all that was read and then `ids`, what comes next? Right are the tokens `target`.

    It is asked of a copy of the past, so that every question finds the same one. What is `told` is no question: the
    target is read whatever the model expected, stays read, and how much it surprised is what is wanted.
    """

    question: str = ""
    ids: tuple[int, ...] = ()
    target: tuple[int, ...] = ()
    told: bool = False


Step = Observe | Advance | Probe | Read


@dataclass(frozen=True)
class World:
    """One independent story, told to a fresh memory. `group_of` gives an event's session, document or the like."""

    name: str
    steps: Iterable[Step]
    group_of: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What a subject recalled, best first: texts and, for each, the ids of the events it cites.

    `answer` is what it said when it was asked; None when it was not asked or could not say, then `silence` has why.
    In tokens: `said` is what it went on with, as many as were asked for, each the likeliest; `likeliest` are the k
    best for the first of them; `surprise` is the nats of each token of a target that was told. `attended` is the most
    tokens of the past that one query read.
    """

    texts: tuple[str, ...] = ()
    cites: tuple[tuple[str, ...], ...] = ()
    answer: str | None = None
    silence: str = ""
    said: tuple[int, ...] = ()
    likeliest: tuple[int, ...] = ()
    surprise: tuple[float, ...] = ()
    attended: int = 0

    @property
    def ranked(self) -> list[str]:
        """The cited events in the order of the texts that cite them, each at its first place only.

        This is the order every recall is counted in. A text made of twenty events takes twenty places, so that it
        gains nothing by citing much; a text that cites only what better ones cited takes none.
        """
        return list(dict.fromkeys(event for cited in self.cites for event in cited))


@dataclass(frozen=True, slots=True)
class Score:
    """The value of one metric for one probe. What could not be graded has no value and is not averaged."""

    value: float
    status: Literal["graded", "ungraded"] = "graded"


UNGRADED = Score(float("nan"), "ungraded")


class Subject(Protocol):
    """A memory with one world in it. Whatever of its calls raises a RemanenceError fails its row, and only that."""

    def observe(self, events: Sequence[Event]) -> None: ...

    def advance(self, step: Advance) -> None: ...

    def recall(self, probe: Probe) -> Found: ...

    def ask(self, probe: Probe) -> str:
        """The answer in words; an LMError when there is none, which leaves this probe ungraded and fails nothing."""
        ...

    def sizes(self) -> Mapping[str, int]:
        """Counts at the end of the world; "bytes" among them. They are added up over the worlds."""
        ...

    def close(self) -> None: ...


class Reader(Protocol):
    """A frozen model with a memory attached, as a `Subject` is for tasks told in tokens."""

    def read(self, ids: Sequence[int]) -> None: ...

    def rewind(self) -> None:
        """Make the copy of the past that the next question is asked of. It is not timed."""
        ...

    def go_on(self, step: Continue) -> Found: ...

    def sizes(self) -> Mapping[str, int]: ...

    def close(self) -> None: ...


class Contender(Protocol):
    """What is measured: a memory of some form, name and settings, from which fresh subjects are made."""

    form: ClassVar[str]
    name: str

    def about(self) -> Mapping[str, Any]:
        """What goes into the row beside form and name: "settings", "embedder", "lm", "versions"."""
        ...

    def subject(self) -> Subject | Reader: ...

    def usage(self) -> Usage:
        """What its language model has been asked since the contender was made."""
        ...
