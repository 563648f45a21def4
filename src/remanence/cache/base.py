"""The contract of a cache memory: of the keys and values a frozen model has computed, what is kept and what is read.

A policy is a dataclass; its fields are its settings. Each layer of each cache gets one of its own (`fresh`), so what
it notes about the past lives in its fields with init=False: tensors with the batch first, `Tokens`, or numbers.

    with TopBlocks(blocks=32)(model) as memory:      # any Hugging Face causal language model
        model.generate(ids)                          # as always
        cache = memory.read(ids)                     # or: read once,
        cache.save("book.safetensors")               # keep, and ask later

A query reads the first `sinks` tokens, the last `local` ones, and of the far past between them what `far` chooses.

Shapes: B batch, H key-value heads, Q query heads, T queries, N tokens held, R tokens chosen, D width.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal, Self

import torch
from torch import Tensor
from transformers import PreTrainedModel

from remanence.cache.parts.attend import Read, attend
from remanence.cache.parts.held import Held
from remanence.cache.parts.tokens import Tokens
from remanence.errors import BadConfig

if TYPE_CHECKING:
    from remanence.cache.parts.attach import Attached

KeysOrValues = Literal["keys", "values"]
Positions = Literal["compact", "fixed", "true"]


@dataclass(frozen=True, slots=True)
class Far:
    """What queries read of the far past. `ids` count the tokens held, ascending; -1 stands for none."""

    ids: Tensor  # [B or 1, H or 1, R]
    until: int  # from here on all tokens are read as near ones
    only: Tensor | None = None  # [B, H or Q, T, R]: which of them each query reads; None: each reads all
    window: int | None = None  # no query looks further back than this, itself included; None: as far as it likes
    whole: bool = False  # said by who knows that no id is -1, so that nobody has to wait for the device to look
    run: bool = False  # said by who knows that ids are all tokens from one to `until`, so that none is gathered

    @classmethod
    def span(cls, start: int, end: int, device: torch.device, window: int | None = None) -> Self:
        """Every token start..end: none where both are the same."""
        return cls(torch.arange(start, end, device=device)[None, None], end, window=window, whole=True, run=True)


@dataclass(kw_only=True)
class Base(ABC):
    sinks: int = 4  # the first tokens, which attention rests on when it looks for nothing
    local: int = 256  # the newest tokens
    chunk: int = 512  # queries that share one choice while a prompt is read
    stride: int = 1  # generated tokens that share one choice, or come before some are let go of again
    positions: Positions = "compact"  # of what is read: closed up; the far past at distance `local`; as it was seen

    def __post_init__(self) -> None:
        for name, least in (("sinks", 0), ("local", 1), ("chunk", 1), ("stride", 1)):
            if getattr(self, name) < least:
                raise BadConfig(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.positions not in ("compact", "fixed", "true"):
            raise BadConfig(f"positions must be compact, fixed or true, got {self.positions!r}")

    def __call__(self, model: PreTrainedModel) -> "AbstractContextManager[Attached]":
        """The model reads and remembers by this policy inside the block; after it, it is as it was."""
        from remanence.cache.parts.attach import attached  # it makes policies of its own, for windowed layers

        return attached(model, self)

    @property
    def hears(self) -> bool:
        """Whether the logits of every token are wanted (see Heard)."""
        return False

    @property
    def forgets(self) -> bool:
        """Whether tokens are let go of; then none can be taken back (crop)."""
        return False

    @property
    def holds_rotated(self) -> bool:
        """Whether keys are held as they are where they were seen: for who reads all that is held, and there."""
        return False

    @property
    @abstractmethod
    def budget(self) -> int:
        """Tokens of the far past that a query reads at most."""

    @abstractmethod
    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        """Of the tokens start..end, what these queries [B, Q, T, D] read. Queries and keys are not rotated."""

    def added(self, held: Held) -> None:
        """New tokens were read and are held now: let go of others, or note what finds them."""
        return

    def rotated_keys(self, held: Held, queries: int) -> Tensor:
        """Of a policy that holds keys rotated, those that `attend` is to get: [B, H, R, D], all of them."""
        return held.k.span(0, len(held))

    def attend(self, read: Read, held: Held) -> Tensor:
        """[B, Q, T, D]: one softmax over all that is read, unless overridden."""
        return attend(read)

    def store(self, like: Tensor, what: KeysOrValues) -> Tokens:
        """Where keys or values like these [B, H, N, D] are kept."""
        return Tokens.like(like)

    def covers(self, tokens: int) -> bool:
        """Whether of so many tokens all are read."""
        return tokens <= self.sinks + self.local + self.budget

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        """What these queries read of the first `past` tokens, beside sinks and newest; None: everything."""
        return None if self.covers(past) else self.far(held, query, self.sinks, past - self.local)

    def on(self, layer: int, layers: int) -> "Base":
        """The policy of one layer of so many: this one, unless layers differ."""
        return self.fresh()

    def fresh(self) -> Self:
        """The same settings with nothing noted."""
        return replace(self)

    def noted(self) -> dict[str, Tensor | Tokens]:
        """What was noted, by the name of its field."""
        all_ = {f.name: getattr(self, f.name) for f in fields(self) if not f.init}
        return {name: value for name, value in all_.items() if isinstance(value, Tensor | Tokens)}

    def pad(self, n: int) -> None:
        """The first n tokens are padding in some row: they count as sinks, so that every row keeps its own first."""
        self.sinks += n

    def crop(self, held: Held) -> None:
        """Tokens were taken back: forget what was noted, to note it anew from what is held."""
        for f in fields(self):
            if not f.init:
                setattr(self, f.name, getattr(self.fresh(), f.name))

    def rows(self, ids: Tensor) -> None:
        """Other rows of the batch in the place of these."""
        for name, value in self.noted().items():
            if isinstance(value, Tokens):
                value.rows(ids)
            elif value.shape[0] > 1:
                setattr(self, name, value.index_select(0, ids.to(value.device)))

    @property
    def nbytes(self) -> int:
        """Of what was noted, beside the keys and values."""
        return sum(value.nbytes for value in self.noted().values())
