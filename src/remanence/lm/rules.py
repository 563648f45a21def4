"""A memory's questions answered from the text alone.

Source:  none as a whole; keywords are RAKE, summaries TextRank and MMR, triples ReVerb (see the files in rule/).
Idea:    sentences, patterns, names and word overlap answer well enough to work with no model at all.
Cost:    facts of a chat message under half a millisecond; no model, no download, nothing kept between calls.
Differs: English patterns; other languages get their sentences, keywords and summaries but few relations.
         The same text gives the same answer, always.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from remanence.lm.base import Answer, Base, Fact, Triple, Verdict
from remanence.lm.rule.centrality import summary
from remanence.lm.rule.compare import conflict
from remanence.lm.rule.finding import answer, relevant
from remanence.lm.rule.linking import triples
from remanence.lm.rule.phrases import keywords
from remanence.lm.rule.telling import facts
from remanence.lm.rule.weight import importance


@dataclass
class Rules(Base):
    name: str = field(default="rules", init=False)

    def facts(self, text: str, *, speaker: str = "", at: datetime | None = None) -> list[Fact]:
        return facts(text, speaker, at)

    def triples(self, text: str, *, speaker: str = "") -> list[Triple]:
        return triples(text, speaker)

    def keywords(self, text: str, *, n: int = 8) -> list[str]:
        return keywords(text, n)

    def summary(self, texts: Sequence[str], *, about: str = "", previous: str = "", words: int = 80) -> str:
        return summary(texts, about, previous, words)

    def importance(self, text: str) -> float:
        return importance(text)

    def conflict(self, old: str, new: str) -> Verdict:
        return conflict(old, new)

    def relevant(self, question: str, texts: Sequence[str]) -> list[float]:
        return relevant(question, texts)

    def answer(self, question: str, memories: Sequence[str]) -> Answer:
        return answer(question, memories)
