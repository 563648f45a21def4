"""Asking a memory."""

from typing import Annotated

from pydantic import Field

from remanence.serve.shapes.asked import MANY, WORDS, FilterBody, FilterQuery, Time
from remanence.serve.shapes.items import HitShape, Shape

Question = Annotated[str, Field(max_length=WORDS)]
K = Annotated[int, Field(ge=1, le=MANY, description="at most so many, the best ones")]
Now = Annotated[Time, Field(description="understand 'yesterday' as seen from here")]


class Search(FilterBody):
    question: Question
    k: K = 10
    now: Now = ""


class SearchQuery(FilterQuery):
    question: Question
    k: K = 10
    now: Now = ""


class ContextAsked(FilterBody):
    question: Question
    tokens: Annotated[int, Field(ge=1, le=1_000_000, description="about so many at most")] = 800
    now: Now = ""


class Ask(Search):
    k: K = 20


class Hits(Shape):
    hits: list[HitShape]


class ContextShape(Hits):
    """Text ready for a prompt, and about how many tokens it takes."""

    text: str
    tokens: int


class ReplyShape(Hits):
    """An answer, who gave it, and the memories it cites."""

    text: str
    by: str
