"""The layout of prompts: modules of text, each at positions of its own, with slots for what a prompt fills in.

    {"system": ids, "plan": [*ids, Slot("days", 4), *ids], "city": {"paris": ids, "rome": ids}}

A mapping in the place of a module is a choice: its modules stand at the same positions, and a prompt uses one of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from remanence.errors import BadConfig


@dataclass(frozen=True, slots=True)
class Slot:
    """Room for so many tokens, told with each prompt."""

    name: str
    tokens: int

    def __post_init__(self) -> None:
        if self.tokens < 1 or not self.name.isidentifier():
            raise BadConfig(f"a slot has a name as arguments have and room for a token, got {self}")


Text = Iterable[int | Slot]
Schema = Mapping[str, Text | Mapping[str, Text]]


@dataclass(frozen=True, slots=True)
class Module:
    """A text and its place; `blank` stands where its slots are."""

    start: int
    ids: tuple[int, ...]
    slots: tuple[tuple[int, Slot], ...]  # position in the layout, and which
    choice: str  # of this name's modules a prompt uses one; its own name if it stands alone

    @property
    def end(self) -> int:
        return self.start + len(self.ids)


def laid_out(schema: Schema, blank: int) -> dict[str, Module]:
    """Each module's place, one after the other; the next begins where the longest of a choice ends."""
    modules: dict[str, Module] = {}
    start = 0
    for choice, entry in schema.items():
        texts = entry if isinstance(entry, Mapping) else {choice: entry}
        for name, text in texts.items():
            if name in modules:
                raise BadConfig(f"the schema has two modules called {name!r}")
            modules[name] = _placed(list(text), start, choice, blank)
            if not modules[name].ids:
                raise BadConfig(f"module {name!r} is empty")
        start = max((modules[name].end for name in texts), default=start)
    slots = [slot.name for module in modules.values() for _, slot in module.slots]
    if twice := sorted({name for name in slots if slots.count(name) > 1}):
        raise BadConfig(f"slots need names of their own, and there are two called {', '.join(twice)}")
    return modules


def _placed(text: Sequence[int | Slot], start: int, choice: str, blank: int) -> Module:
    ids: list[int] = []
    slots = []
    for item in text:
        if isinstance(item, Slot):
            slots.append((start + len(ids), item))
            ids += [blank] * item.tokens
        else:
            ids.append(int(item))
    return Module(start, tuple(ids), tuple(slots), choice)
