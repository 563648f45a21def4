"""Texts that many prompts share, read once each and put together without being read again.

Source:  "Prompt Cache: Modular Attention Reuse for Low-Latency Inference", Gim, Chen, Lee, Sarda, Khandelwal, Zhong
         2023 (arXiv 2311.04934).
Idea:    a schema gives each module of text its range of positions; a module is read alone, and a prompt attends to the
         modules it uses where the schema puts them. Keys before rotation have no position yet, so that putting modules
         together is concatenation, and a module can be moved.
Cost:    a prompt computes its own tokens only; modules are copied, and rotated once where there are gaps between
         them. No module sees another: what was split apart is related only by what comes after.
Differs: a prompt goes on after the last module it uses (the authors' code: after the whole schema). Modules do not
         nest, and none are read together (the paper's scaffolds).

    prompts = PromptCache({"system": ids, "plan": [*ids, Slot("days", 4), *ids], "city": {"paris": ids, "rome": ids}})
    with prompts(model) as memory:
        modules = prompts.read(memory)
        cache = prompts.compose(modules, ["system", "plan", "rome"], days=ids)
        model.generate(cache.prompt(question), past_key_values=cache)
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from remanence.cache.base import Base, Far, Positions
from remanence.cache.parts.composed import Piece, fill, joined, rotate
from remanence.cache.parts.held import Held
from remanence.cache.parts.schema import Module, Schema, Slot, laid_out
from remanence.cache.parts.window import Window
from remanence.errors import BadInput, UnknownName, one_of

if TYPE_CHECKING:
    from remanence.cache.parts.attach import Attached
    from remanence.cache.parts.layer import MemoryLayer
    from remanence.cache.parts.memory_cache import MemoryCache


@dataclass
class PromptCache(Base):
    schema: Schema = field(default_factory=dict)
    blank: int = 0  # the token that stands in a slot while its module is read
    positions: Positions = field(default="true", kw_only=True)
    window: int | None = field(default=None, init=False, compare=False)  # of the layer, while slots are filled

    @property
    def budget(self) -> int:
        return sys.maxsize

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        """Everything, where it was put. Nothing needs doing for that where no gaps are, or keys are turned already."""
        ready = held.where is None or (held.rotated is not None and len(held.rotated) == past)
        return None if ready else self.far(held, query, 0, past)

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        return Far.span(0, 0, query.device, self.window)

    def fresh(self) -> Self:
        return replace(self, schema={})  # the layers need not know it

    def read(self, memory: "Attached") -> dict[str, "MemoryCache"]:
        """Each module of the schema, read alone. They can be saved and loaded as any cache can."""
        device = memory.model.device
        modules = laid_out(self.schema, self.blank)
        return {name: memory.read(torch.tensor([module.ids], device=device)) for name, module in modules.items()}

    def compose(
        self, modules: Mapping[str, "MemoryCache"], names: Iterable[str], **arguments: Iterable[int]
    ) -> "MemoryCache":
        """A cache that has read the modules of these names, and in their slots what is said."""
        used = self._used(modules, names)
        said = _in_slots([slot for _, place in used for slot in place.slots], arguments)
        memory = used[0][0].memory_layers[0].attached
        assert memory is not None
        device = memory.model.device
        ids = torch.full((1, max(place.end for _, place in used)), self.blank, device=device)
        for module, place in used:
            ids[:, place.start : place.end] = module.ids
        pieces = [
            joined(_outside_slots(module.memory_layers[i], place) for module, place in used)
            for i in range(len(used[0][0].memory_layers))
        ]
        cache = fill(memory.cache(), pieces, ids)
        if said:
            self._say(memory, cache, said)
            for at, argument in said:
                ids[:, at : at + len(argument)] = torch.tensor([argument], device=device)
            cache = fill(memory.cache(), [_in_order(layer) for layer in cache.memory_layers], ids)
        if self.positions == "true":
            rotate(cache)
        return cache

    def _say(self, memory: "Attached", cache: "MemoryCache", said: list[tuple[int, list[int]]]) -> None:
        """Read each argument where its slot is, seeing all modules; it is held after them."""
        for layer in cache.memory_layers:
            policy = self.fresh()  # also of a layer with a window, which would take the last held for the nearest
            policy.window = layer.policy.window if isinstance(layer.policy, Window) else None
            layer.policy = policy
        for at, argument in said:
            for layer in cache.memory_layers:
                assert layer.held is not None
                layer.held.seen = at
            memory.read(torch.tensor([argument], device=memory.model.device), cache)

    def _used(self, modules: Mapping[str, "MemoryCache"], names: Iterable[str]) -> list[tuple["MemoryCache", Module]]:
        """The modules of these names and their places, in the order of the schema."""
        places, chosen = laid_out(self.schema, self.blank), list(names)
        if not chosen:
            raise BadInput("a prompt uses one module at least")
        by_choice: dict[str, str] = {}
        for name in chosen:
            if name not in places:
                raise UnknownName(one_of("module", name, places))
            if name not in modules:
                raise BadInput(f"module {name!r} of the schema was not read; read the schema again")
            if modules[name].ids.tolist() != [[*places[name].ids]]:
                raise BadInput(f"module {name!r} was read when the schema gave it another text; read the schema again")
            other = by_choice.setdefault(places[name].choice, name)
            if other != name:
                raise BadInput(f"{other!r} and {name!r} stand at the same positions; use one of them")
        if len(set(chosen)) < len(chosen):
            raise BadInput(f"a prompt uses a module once, got {chosen}")
        return [(modules[name], place) for name, place in places.items() if name in chosen]


def _in_slots(slots: list[tuple[int, Slot]], arguments: Mapping[str, Iterable[int]]) -> list[tuple[int, list[int]]]:
    """What is said and at which position, in the order of the slots; every slot wants something."""
    known = {slot.name: (at, slot.tokens) for at, slot in slots}
    for name in arguments:
        if name not in known:
            raise UnknownName(one_of("slot in these modules called", name, known))
    said = []
    for name, (at, room) in known.items():
        if name not in arguments:
            raise BadInput(f"slot {name!r} is empty: say {name}=ids, {room} tokens at most")
        ids = [int(i) for i in arguments[name]]
        if not 0 < len(ids) <= room:
            raise BadInput(f"slot {name!r} has room for 1 to {room} tokens, got {len(ids)}")
        said.append((at, ids))
    return said


def _outside_slots(layer: "MemoryLayer", place: Module) -> Piece:
    """What a layer holds of a module, where the schema puts it, without what stood in its slots."""
    assert layer.held is not None
    if not place.slots:
        return Piece.of(layer.held, start=place.start)
    where = layer.held.places() + place.start
    spoken = torch.ones_like(where, dtype=torch.bool)
    for at, slot in place.slots:
        spoken &= (where < at) | (where >= at + slot.tokens)
    return Piece.of(layer.held, spoken[0, 0].nonzero()[None, :, 0][None], place.start)


def _in_order(layer: "MemoryLayer") -> Piece:
    assert layer.held is not None
    return Piece.of(layer.held, layer.held.places().argsort())
