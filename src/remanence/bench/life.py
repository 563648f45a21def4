"""What people say when something about them changes, from `life.toml`: two sets of phrasings, one of them held out.

Idea:    an attribute holds one value at a time; it is stated, changed and denied in at least four ways a set. Around it
         are wishes, other people's like facts, and memories of what was.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("life.toml")
SETS = ("open", "held_out")
Phrasings = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that has one value at a time, and how it is spoken of."""

    values: tuple[str, ...]
    questions: Phrasings
    past: Phrasings
    states: Phrasings
    changes: Phrasings
    denials: Phrasings = ()
    wishes: Phrasings = ()
    others: Phrasings = ()
    misses: Phrasings = ()  # an old value named, and not as one that holds


@dataclass(frozen=True, slots=True)
class Hanging:
    """What holds only as long as the city does (says), and what only names it (kept)."""

    values: tuple[str, ...]
    question: str
    kept_question: str
    says: Phrasings
    kept: Phrasings


@dataclass(frozen=True, slots=True)
class Life:
    """All that is said, in one set of phrasings."""

    attributes: Mapping[str, Attribute]
    way_to_work: Hanging
    chatter: Phrasings


def life(*, held_out: bool) -> Life:
    """The open phrasings, or those held out."""
    said, which = tomllib.loads(FILE.read_text(encoding="utf-8")), SETS[held_out]
    attributes = {name: Attribute(**_flat(table, which)) for name, table in said["attributes"].items()}
    return Life(attributes, Hanging(**_flat(said["way_to_work"], which)), tuple(said["chatter"][which]["says"]))


def _flat(table: Mapping[str, Any], which: str) -> dict[str, Any]:
    flat = {name: value for name, value in table.items() if name not in SETS} | table[which]
    return {name: tuple(value) if isinstance(value, list) else value for name, value in flat.items()}
