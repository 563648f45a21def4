"""Replies written beforehand: the language model of tests, ours and yours.

Idea:    for each question a list of replies, given out in turn, or a function called with what was asked. A reply that
         is an exception is raised. What was asked is kept in `asked`.
Cost:    none; no model.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from remanence.errors import BadConfig, BadReply, one_of
from remanence.lm.base import Answer, Base, Fact, Triple, Verdict

Replies = Sequence[Any] | Callable[..., Any]
QUESTIONS = ("facts", "triples", "keywords", "summary", "importance", "conflict", "relevant", "answer")


@dataclass
class Scripted(Base):
    """`Scripted({"importance": [0.3, 0.9], "keywords": lambda text, n: text.split()[:n]})`

    A function gets the question's arguments by their names. A question that is not in the script goes to `otherwise`,
    such as Rules(); without one it is BadReply, and so is asking once more than there are replies.
    """

    replies: Mapping[str, Replies] = field(default_factory=dict)
    otherwise: Base | None = None
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list, init=False, repr=False)
    name: str = field(default="scripted", init=False)

    def __post_init__(self) -> None:
        for question in self.replies:
            if question not in QUESTIONS:
                raise BadConfig(one_of("question", question, QUESTIONS))

    def facts(self, text: str, *, speaker: str = "", at: datetime | None = None) -> list[Fact]:
        return list(self._reply("facts", text=text, speaker=speaker, at=at))

    def triples(self, text: str, *, speaker: str = "") -> list[Triple]:
        return list(self._reply("triples", text=text, speaker=speaker))

    def keywords(self, text: str, *, n: int = 8) -> list[str]:
        return list(self._reply("keywords", text=text, n=n))

    def summary(self, texts: Sequence[str], *, about: str = "", previous: str = "", words: int = 80) -> str:
        return str(self._reply("summary", texts=texts, about=about, previous=previous, words=words))

    def importance(self, text: str) -> float:
        return float(self._reply("importance", text=text))

    def conflict(self, old: str, new: str) -> Verdict:
        verdict: Verdict = self._reply("conflict", old=old, new=new)
        return verdict

    def relevant(self, question: str, texts: Sequence[str]) -> list[float]:
        return list(self._reply("relevant", question=question, texts=texts))

    def answer(self, question: str, memories: Sequence[str]) -> Answer:
        reply: Answer = self._reply("answer", question=question, memories=memories)
        return reply

    def _reply(self, what: str, **given: Any) -> Any:
        before = sum(1 for name, _ in self.asked if name == what)
        self.asked.append((what, given))
        self.usage.calls += 1
        if what not in self.replies:
            if self.otherwise is None:
                raise BadReply(f"the script has no reply to {what!r}; it was asked {_short(given)}")
            return _ask(self.otherwise, what, given)
        script = self.replies[what]
        if callable(script):
            reply = script(**given)
        elif before >= len(script):
            raise BadReply(f"{what!r} was asked {before + 1} times, the script has {len(script)}: {_short(given)}")
        else:
            reply = script[before]
        if isinstance(reply, Exception):
            raise reply
        return reply


def _ask(lm: Base, what: str, given: dict[str, Any]) -> Any:
    """The same question put to another model; the first arguments of the contract are positional names too."""
    return getattr(lm, what)(**given)


def _short(given: dict[str, Any]) -> str:
    said = ", ".join(f"{k}={v!r}" for k, v in given.items())
    return said if len(said) <= 200 else said[:200] + "..."
