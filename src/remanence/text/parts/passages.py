"""Where records that cite parts of a text came from: a message is one passage, a long text one every `LONGEST`."""

from collections.abc import Iterable

from remanence.records import Hit
from remanence.text.parts.segment import LONGEST

Passage = tuple[str, int]  # the event, and which piece of it


def once(found: Iterable[Hit]) -> dict[Passage, Hit]:
    """The first hit of each passage."""
    first: dict[Passage, Hit] = {}
    for hit in found:
        first.setdefault((hit.sources[0].event, hit.sources[0].start // LONGEST), hit)
    return first
