"""A library of short texts as a few keys and values each, of which the best few are attended to while writing.

Source:  "Memory^3: Language Modeling with Explicit Memory", Yang et al. 2024 (arXiv 2407.01178).
Idea:    of each reference a head keeps the tokens that its own queries attend to most, and only the first half of the
         layers do; so little is kept that a library fits on a disk. Every `chunk` tokens (`stride` while generating)
         the best references for the text are looked up, and attended to all at the same positions, before the text.
Cost:    tokens * (2 * width * bytes a number + 8) bytes a reference, key-value head and layer that has memories; a
         query reads its text and references * tokens more; a lookup reads the keys of the whole library.
Differs: for a model that was not trained to read so. A token is kept for the greatest attention it gets from any
         other, not for the sum of all, which favours what repeats. References are found not by an embedding of
         the text, but in each layer and key-value head by the greatest product of a query with a key kept. Memories
         are not compressed. Layers that look back a window only have none.

    library = Memory3()
    with library(model) as memory:
        cache = library.write(memory, documents)     # once
        cache.save("library.cube")                   # and later: memory.load("library.cube")
        model.generate(cache.prompt(ids), past_key_values=cache)

Shapes: B batch, H key-value heads, Q query heads, T queries, N tokens, D width.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from remanence.cache.base import Base, Far, Positions
from remanence.cache.parts.blocks import tokens_of
from remanence.cache.parts.composed import Piece, fill, joined
from remanence.cache.parts.held import Held
from remanence.cache.parts.memory_cache import MemoryCache
from remanence.errors import BadConfig, BadInput

if TYPE_CHECKING:
    from remanence.cache.parts.attach import Attached


@dataclass
class Memory3(Base):
    references: int = 5  # read at a time (the paper's)
    tokens: int = 8  # of each, for each key-value head (the paper's)
    length: int = 128  # tokens of a reference at most; longer documents are cut (the paper's)
    depth: float = 0.5  # of the layers, from the first on, that have memories (the paper's)
    blank: int = 0  # the token that the model is told it has read in the place of the references
    chunk: int = field(default=64, kw_only=True)  # the paper's
    stride: int = field(default=64, kw_only=True)  # the paper's
    positions: Positions = field(default="true", kw_only=True)
    written: int = field(default=0, init=False, compare=False)  # tokens of memories, which are held first
    found: Tensor | None = field(default=None, init=False, repr=False, compare=False)  # [B, H, references * tokens]
    until: int = field(default=0, init=False, compare=False)  # tokens seen when references are looked up again

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("references", "tokens"):
            if getattr(self, name) < 1:
                raise BadConfig(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.length < self.tokens:
            raise BadConfig(f"length must be at least tokens = {self.tokens}, got {self.length}")
        self.sinks = 0  # the text is read whole
        if not 0 < self.depth <= 1:
            raise BadConfig(f"depth must be in (0, 1], got {self.depth}")

    @property
    def budget(self) -> int:
        return self.references * self.tokens

    def covers(self, tokens: int) -> bool:
        return not self.written

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        return self.far(held, query, 0, self.written) if self.written else None

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        """Of the memories, which stand first, those of the best references; and the whole text."""
        if self.found is None or query.shape[2] > 1 or held.seen >= self.until:
            keys = held.k.span(start, end)
            q = query.unflatten(1, (keys.shape[1], -1)).flatten(2, 3)  # [B, H, Q / H * T, D]
            scores = (q @ keys.transpose(2, 3)).amax(2).unflatten(2, (-1, self.tokens)).amax(3)
            best = scores.topk(min(self.references, scores.shape[2]), -1).indices.sort(-1).values
            self.found, self.until = tokens_of(best, start, self.tokens), held.seen + self.stride
        return Far(self.found, end, whole=True)

    def crop(self, held: Held) -> None:
        self.found = None  # the memories are still there

    def write(self, memory: "Attached", documents: Iterable[Tensor]) -> MemoryCache:
        """A cache that holds the memories of these documents, each the ids [N] of a text."""
        references = [piece for document in documents for piece in self._cut(document)]
        if not references:
            raise BadInput("a library needs a document at least")
        sparse = [self._sparse(memory, ids) for ids in references]
        nothing = torch.full((1, self.length), self.blank, device=memory.model.device)
        cache = fill(memory.cache(), [joined(layer) for layer in zip(*sparse, strict=True)], nothing)
        for layer in cache.memory_layers:
            if layer.held and isinstance(layer.policy, Memory3):
                layer.policy.written = len(layer.held)
            elif layer.held:
                raise BadConfig(f"{type(layer.policy).__name__} cannot be put around Memory3")
        if not any(layer.held for layer in cache.memory_layers):
            raise BadConfig(f"the first layers of this model all look back a window only; raise depth = {self.depth}")
        return cache

    def _cut(self, ids: Tensor) -> Iterator[Tensor]:
        """In pieces of `length`; the last begins earlier if need be, so that none is short."""
        n = len(ids)
        if n < self.tokens:
            raise BadInput(f"a document needs at least tokens = {self.tokens} tokens, got {n}")
        for start in range(0, n, self.length):
            yield ids[max(0, min(start, n - self.length)) :][: self.length]

    def _sparse(self, memory: "Attached", ids: Tensor) -> list[Piece]:
        """What each layer keeps of one reference, read alone."""
        cache = MemoryCache(memory.model.config, _Weighing())
        memory.adopt(cache)
        memory.read(ids[None].to(memory.model.device), cache, step=len(ids))
        deep, pieces = max(1, round(self.depth * len(cache.memory_layers))), []
        for layer in cache.memory_layers:
            assert layer.held is not None
            kept = torch.empty(1, 1, 0, dtype=torch.long, device=layer.device)
            if layer.index < deep and isinstance(layer.policy, _Weighing):  # not where a layer looks back a window only
                weight = layer.policy.weight
                assert weight is not None
                kept = weight.topk(self.tokens).indices.sort().values
            pieces.append(Piece.of(layer.held, kept))
        return pieces


@dataclass
class _Weighing(Base):
    """Reads everything and notes how much any token attends to each: without positions, and from both sides, since
    what answers a question stands after the words that ask it."""

    weight: Tensor | None = field(default=None, init=False, repr=False, compare=False)  # [1, H, N]

    @property
    def budget(self) -> int:
        return sys.maxsize

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        keys = held.k.span(0, len(held))
        q = query.unflatten(1, (keys.shape[1], -1))  # [1, H, Q / H, N, D]
        weights = (q @ keys[:, :, None].transpose(3, 4) * q.shape[-1] ** -0.5).softmax(-1)
        self.weight = weights.amax((2, 3))
        return None

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        raise AssertionError("everything is read")
