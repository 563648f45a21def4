"""The shapes of clauses that do not say it as "subject, verb, object": the value first, beside, or told by a clause.

Idea:    each shape has words it cannot be without, and is only looked for where one of them stands.
"""

from remanence.lm.rule.attributes import Statement
from remanence.lm.rule.described import described
from remanence.lm.rule.done_to import DONE, done_to
from remanence.lm.rule.given import given
from remanence.lm.rule.over import over
from remanence.lm.rule.person import WHO
from remanence.lm.rule.reach import reached
from remanence.lm.rule.turned import turned
from remanence.lm.rule.words import listed

_REACH = listed(
    """call calls Call reach Reach reached reachable contact email Email text Text phone ring Ring message number on use
    Use find dial Dial to"""
)
_NEW = listed("new New favourite favorite Favourite Favorite")
_BE = listed("is are was were isn't isn’t aren't aren’t be become became becomes been being as")
_DESCRIBE = listed("live lives work works report reports answer answers like likes love loves enjoy enjoys")
_DONE = listed(" ".join(DONE)) | listed("led run managed headed team")


def shaped(clause: str) -> Statement | None:
    """What a clause says by its shape as a whole."""
    words = clause.replace(",", " ").rstrip(".!").split()
    said: Statement | None = None
    if WHO in clause and not _REACH.isdisjoint(words):
        said = reached(clause)
    be = not _BE.isdisjoint(words)
    if not said and ("'s " in clause or "’s " in clause):
        said = (turned(clause) if be or f"s {WHO}" in clause else None) or over(clause)
    if not said and not _NEW.isdisjoint(words):
        said = given(clause)
    if not said and (be or "other" in words) and not _DESCRIBE.isdisjoint(words):
        said = described(clause)
    if not said and not _DONE.isdisjoint(words):
        said = done_to(clause)
    return said
