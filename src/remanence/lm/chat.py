"""Questions put to a language model over HTTP: any OpenAI-compatible or Anthropic endpoint.

Source:  the wire formats of OpenAI's chat completions and Anthropic's messages; the prompts are ours (wire/prompts.py).
Idea:    each question is one request with a schema; the reply is checked against it and against the texts (a quotation
         must be found, a citation must exist) before anything is believed.
Cost:    one request a question when all goes well; tokens, seconds and retries are counted in `usage`.
Differs: a summary that is too long is cut after its last whole sentence, not asked for again.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from remanence.errors import BadConfig, CannotAnswer, one_of
from remanence.lm.base import Answer, Base, Fact, Triple, Verdict
from remanence.lm.rule.centrality import cut
from remanence.lm.wire import prompts
from remanence.lm.wire.dialects import DIALECTS, guessed
from remanence.lm.wire.dialogue import Dialogue
from remanence.lm.wire.locate import located
from remanence.lm.wire.prompts import framed
from remanence.lm.wire.transport import Transport
from remanence.records import utc


@dataclass
class Chat(Base):
    """`url` is a host, a base ending in /v1, or the whole address; without `wire` it is guessed from it.

    The key is sent to that address and nowhere else, and is in no message. Safe to share between threads.
    """

    model: str
    url: str
    key: str = field(default="", repr=False)
    wire: Literal["", "openai", "anthropic"] = ""
    timeout_s: float = 60.0
    retries: int = 3
    max_reply_tokens: int = 2048
    temperature: float = 0.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        if self.wire and self.wire not in DIALECTS:
            raise BadConfig(one_of("wire", self.wire, DIALECTS))
        dialect = DIALECTS[self.wire or guessed(self.url)]()
        self.name = f"chat:{self.model}"
        headers = dialect.headers(self.key)
        transport = Transport(dialect.address(self.url), headers, self.key, self.timeout_s, self.retries, self.sleep)
        self._dialogue = Dialogue(self.model, dialect, transport, self.usage, self.max_reply_tokens, self.temperature)

    def close(self) -> None:
        """Let go of the connections."""
        self._dialogue.transport.close()

    def facts(self, text: str, *, speaker: str = "", at: datetime | None = None) -> list[Fact]:
        if not text.strip():
            return []
        when = utc(at).strftime("%A %Y-%m-%d %H:%M UTC") if at else ""
        data = framed([text], speaker=speaker, time_of_the_text=when)
        return self._dialogue.ask(
            prompts.FACTS, data, prompts.FACTS_SHAPE, lambda v: [_fact(f, text) for f in v["facts"]]
        )

    def triples(self, text: str, *, speaker: str = "") -> list[Triple]:
        if not text.strip():
            return []
        data = framed([text], speaker=speaker)
        return self._dialogue.ask(
            prompts.TRIPLES, data, prompts.TRIPLES_SHAPE, lambda v: [_triple(t, text) for t in v["triples"]]
        )

    def keywords(self, text: str, *, n: int = 8) -> list[str]:
        if not text.strip() or n < 1:
            return []
        asked = prompts.KEYWORDS.format(n=n)
        found = self._dialogue.ask(asked, framed([text]), prompts.KEYWORDS_SHAPE, lambda v: v["keywords"])
        return list(dict.fromkeys(word.strip() for word in found if word.strip()))[:n]

    def summary(self, texts: Sequence[str], *, about: str = "", previous: str = "", words: int = 80) -> str:
        if words < 1 or not any(t.strip() for t in (*texts, previous)):
            return ""
        given = [*([previous] if previous else []), *texts]
        data = framed(given, about=about, earlier_summary="text 1" if previous else "")
        asked = prompts.SUMMARY.format(words=words)
        return cut(self._dialogue.ask(asked, data, prompts.SUMMARY_SHAPE, _summary), words)

    def importance(self, text: str) -> float:
        return self._dialogue.ask(
            prompts.IMPORTANCE,
            framed([text]),
            prompts.IMPORTANCE_SHAPE,
            lambda v: _tenth(v["importance"], "importance"),
        )

    def conflict(self, old: str, new: str) -> Verdict:
        verdict: Verdict = self._dialogue.ask(
            prompts.CONFLICT, framed([old, new]), prompts.CONFLICT_SHAPE, lambda v: v["verdict"]
        )
        return verdict

    def relevant(self, question: str, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        data = framed(texts, question=question)
        return self._dialogue.ask(prompts.RELEVANT, data, prompts.RELEVANT_SHAPE, lambda v: _scores(v, len(texts)))

    def answer(self, question: str, memories: Sequence[str]) -> Answer:
        if not memories:
            raise CannotAnswer(f"there is no memory to answer {question!r} from")
        data = framed(memories, question=question)
        found = self._dialogue.ask(prompts.ANSWER, data, prompts.ANSWER_SHAPE, lambda v: _answer(v, len(memories)))
        if found is None:
            raise CannotAnswer(f"{self.name}: none of {len(memories)} memories answers {question!r}")
        return found


def _fact(given: dict[str, str], text: str) -> Fact:
    said = given["text"].strip()
    span = located(given["quote"], text)
    if not said or span is None:
        raise ValueError(f"the quote {given['quote'][:80]!r} is not in the text; copy the text's own words")
    return Fact(said, *span, given["subject"], given["relation"], given["object"], _date(given["date"].strip()))


def _date(said: str) -> datetime | None:
    if not said:
        return None
    try:
        return datetime.fromisoformat(said + "0001-01-01"[len(said) :]).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{said!r} is not a date such as 2024-04-02, 2024-04 or 2024") from None


def _triple(given: dict[str, str], text: str) -> Triple:
    if not (given["subject"].strip() and given["object"].strip()):
        raise ValueError("a triple needs a subject and an object")
    spans = [s for s in (located(given["subject"], text), located(given["object"], text)) if s]
    start, end = (min(a for a, _ in spans), max(b for _, b in spans)) if len(spans) == 2 else (0, len(text))
    return Triple(given["subject"], given["relation"], given["object"], start, end)


def _summary(value: Any) -> str:
    said = " ".join(value["summary"].split())
    if not said:
        raise ValueError("the summary is empty")
    return said


def _tenth(score: int, what: str) -> float:
    if not 0 <= score <= 10:
        raise ValueError(f"{what} must be from 0 to 10, got {score}")
    return score / 10


def _scores(value: Any, n: int) -> list[float]:
    scores = {s["text"]: _tenth(s["score"], "score") for s in value["scores"]}
    if len(value["scores"]) != n or set(scores) != set(range(1, n + 1)):
        raise ValueError(f"give one score for each of the texts 1 to {n}, got scores for {sorted(scores)}")
    return [scores[i] for i in range(1, n + 1)]


def _answer(value: Any, n: int) -> Answer | None:
    if not value["known"]:
        return None
    if not value["answer"].strip():
        raise ValueError("known is true but the answer is empty")
    if wrong := [c for c in value["cites"] if not 1 <= c <= n]:
        raise ValueError(f"cites must be numbers from 1 to {n}, got {wrong}")
    return Answer(value["answer"].strip(), tuple(dict.fromkeys(c - 1 for c in value["cites"])))
