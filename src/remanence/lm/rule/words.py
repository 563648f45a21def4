"""Words, the short list of those that say nothing, and a suffix stripper.

Idea:    enough to see that "moved", "moving" and "moves" are one word; English only, other languages pass unchanged.
Cost:    O(characters).
"""

import re
from functools import lru_cache

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# Upper-case letters of the alphabets whose names we can see; `re` has no class for them.
UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĢĪİĶĻŁŃŅŇŌŐŒŘŚŞŠŢŤŪŮŰŹŻŽΑ-ΩА-ЯЁЄІЇ"


def listed(text: str) -> frozenset[str]:
    """The words of a list written as a text."""
    return frozenset(text.split())


STOP = listed(
    """a about after again ago all also am an and any anymore are aren't as at be because been before being but by
    can can't could couldn't did didn't do does doesn't doing don't down during each even ever every few for from
    further get gets getting go goes going gonna got had has hasn't have haven't having he her here hers herself
    hey hi him himself his how however i i'd i'll i'm i've if in into is isn't it it's its itself just let let's
    like lot lots made make many may me might more most much must my myself no nor not now of off oh ok okay on
    once one only or other our ours out over own quite really same say says shall she should so some someone
    something sometimes still such than thank thanks that that's the their theirs them themselves then there
    there's these they they're thing things this those though through to today too under until up upon us very
    want was wasn't way we we're well were what what's when where which while who whom why will with within
    without won't would wow yeah yes yet you you're your yours yourself"""
)
NEGATIVE = listed("no not never none nothing nobody neither nor without cannot no-one n't")
_DOUBLED = re.compile(r"([bdgmnprt])\1$")


def words(text: str) -> list[str]:
    """Every word in lower case, apostrophes made straight."""
    return [word.lower().replace("’", "'") for word in WORD.findall(text)]


@lru_cache(maxsize=20_000)  # most words come again and again
def stem(word: str) -> str:
    """The word (lower case) without its ending; not a dictionary form, only equal for related words."""
    word = word.removesuffix("'s")
    if word.endswith(("ies", "ied")):
        return word[:-3] + "y" if len(word) > 4 else word
    for suffix in ("ing", "ed", "es", "s"):
        if word.endswith(suffix) and len(word) - len(suffix) > 2 and not word.endswith(("ss", "us", "is")):
            word = word[: -len(suffix)]
            word = _DOUBLED.sub(r"\1", word) if len(suffix) > 1 else word
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def content(text: str) -> list[str]:
    """The stems of the words that carry meaning, in the order of the text."""
    return [stem(word) for word in words(text) if word not in STOP and (len(word) > 1 or word.isdigit())]


def negated(text: str) -> bool:
    """Whether the text denies something."""
    return any(word in NEGATIVE or word.endswith("n't") for word in words(text))
