"""The words of a question that are worth looking for."""

import re

WORD = re.compile(r"\w+(?:['’]\w+)?")
STOP = frozenset(
    """
    a about after all also am an and any are as at be been before being but by can could did do does doing don
    down for from had has have having he her here hers him his how i if in into is it its just me more most my
    no nor not of off on once only or other our ours out over own same she should so some such than that the
    their theirs them then there these they this those through to too under until up us very was we were what
    when where which while who whom whose why will with would you your yours didn't doesn't don't hadn't
    hasn't haven't isn't it's let's that's what's who's wasn't weren't won't wouldn't
    """.split()  # noqa: SIM905  # a list of strings would fill a page
)


def words(text: str) -> list[str]:
    """Lower-case words, in order."""
    return [word.replace("’", "'").removesuffix("'s") for word in WORD.findall(text.lower())]


def terms(text: str) -> list[str]:
    """Lower-case words, stop words left out, in order; all words when nothing else is left."""
    found = words(text)
    return [word for word in found if word not in STOP] or found
