"""A model with a memory attached: what it reads goes through a policy, and all is as it was afterwards.

Three public extension points of transformers and torch, no model code patched:
    in the rotary module's place one that answers (1, 0), so that attention hands over what is not rotated, or, where
    all layers read each token where it was seen, one that answers the same from a table;
    a cache of `MemoryLayer` owns what is held;
    an attention function asks it what to read, rotates that, and attends.

Before anything is read, the model answers a few tokens in two pieces, with its own cache and with the memory; one that
is not reproduced is refused. No gradient flows through what is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache

from remanence.cache.parts.anatomy import attentions_of, decoder_of, rotary_of
from remanence.cache.parts.attention import ATTACHED, NAME
from remanence.cache.parts.heard import Heard
from remanence.cache.parts.layer import MemoryLayer
from remanence.cache.parts.memory_cache import MemoryCache, layers
from remanence.cache.parts.probe import PROBE, asked, check, look
from remanence.cache.parts.rope import Rope
from remanence.cache.parts.still_rotary import StillRotary
from remanence.cache.parts.table_rotary import TableRotary
from remanence.cache.parts.window import Window
from remanence.errors import BadInput, CannotAttach

if TYPE_CHECKING:
    from remanence.cache.base import Base


class Attached:
    """The model while its memory is attached. Each forward pass without a cache starts a new one."""

    def __init__(self, model: PreTrainedModel, policy: Base) -> None:
        self.model, self.policy, self.active = model, policy, False
        self.decoder = decoder_of(model)
        self.attentions = attentions_of(self.decoder)
        self.rotary = rotary_of(self.decoder)
        (self.place,) = (name for name, child in self.decoder.named_children() if child is self.rotary)
        self.rope = Rope(self.rotary, self.attentions[0])
        self.alone = [layer.policy for layer in layers(model.config, policy)]  # for calls without a cache
        self.table: TableRotary | None = None  # in the rotary module's place, where all layers read what they hold

    def __deepcopy__(self, memo: dict[int, Any]) -> Attached:
        return self  # a copy of a cache belongs to the same model

    def cache(self) -> MemoryCache:
        """An empty one."""
        cache = MemoryCache(self.model.config, self.policy)
        self.adopt(cache)
        return cache

    @torch.no_grad()
    def read(self, ids: Tensor, cache: MemoryCache | None = None, step: int = 512) -> MemoryCache:
        """Read tokens [B, T] on top of what the cache holds, `step` at a time; nothing is generated."""
        cache = self.cache() if cache is None else cache
        for piece in ids.split(step, dim=1):
            self.model(piece, past_key_values=cache, use_cache=True, logits_to_keep=0 if self.policy.hears else 1)
        return cache

    def load(self, path: str | PathLike[str], tokenizer: Any = None) -> MemoryCache:
        """What a cache of this model saved, to go on from; the file is mapped, not read (see stored.py)."""
        from remanence.cache.parts.stored import load  # safetensors is wanted by those who save and load only

        return load(self, Path(path), tokenizer)

    def adopt(self, cache: Cache | None) -> None:
        """Let a cache be read by this model: ours as it is, a fresh one of transformers' with our layers in it."""
        if cache is None or (cache.layers and getattr(cache.layers[0], "attached", None) is self):
            return
        mine = [layer for layer in cache.layers if isinstance(layer, MemoryLayer)]
        if not mine:
            if type(cache) is not DynamicCache or cache.get_seq_length():
                raise BadInput(
                    f"a memory is attached, so the model reads from a memory cache or a new DynamicCache; got "
                    f"{type(cache).__name__} with {cache.get_seq_length()} tokens"
                )
            mine = layers(self.model.config, self.policy)
            cache.layers, cache.layer_class_to_replicate = list(mine), None
        for layer in mine:
            layer.attached = self

    def passing(self, index: int) -> MemoryLayer:
        """A layer for one call without a cache."""
        layer = MemoryLayer(self.alone[index].fresh(), index, Heard())
        layer.attached = self
        return layer


@contextmanager
def attached(model: PreTrainedModel, policy: Base) -> Iterator[Attached]:
    """Attach, probe, and leave the model as it was, whatever happens inside."""
    memory = Attached(model, policy)
    if any(hasattr(attention, ATTACHED) for attention in memory.attentions):
        raise CannotAttach("this model has a memory attached already; leave that block first")
    before = asked(model, DynamicCache(config=model.config))
    with ExitStack() as undo:
        _attach(memory, undo)
        check(model, before, asked(model, MemoryCache(model.config, Window(window=PROBE))))
        if all(each.holds_rotated for each in memory.alone) and memory.rope.limit is None:
            memory.table = TableRotary(memory.rotary)
            setattr(memory.decoder, memory.place, memory.table)
        yield memory


def _attach(memory: Attached, undo: ExitStack) -> None:
    model, decoder = memory.model, memory.decoder
    undo.callback(decoder.set_attn_implementation, decoder.config._attn_implementation)
    undo.callback(decoder.register_forward_pre_hook(_with_memory(memory), with_kwargs=True).remove)
    if memory.policy.hears:
        undo.callback(model.register_forward_pre_hook(_all_logits, with_kwargs=True).remove)
        undo.callback(model.register_forward_hook(_listen(memory), with_kwargs=True).remove)
    for attention in memory.attentions:
        setattr(attention, ATTACHED, memory)
        undo.callback(delattr, attention, ATTACHED)
    look(model, decoder, memory.rotary)
    undo.callback(setattr, decoder, memory.place, memory.rotary)
    setattr(decoder, memory.place, StillRotary(memory.rotary))
    decoder.set_attn_implementation(NAME)
    memory.active = True
    undo.callback(setattr, memory, "active", False)


def _with_memory(memory: Attached) -> Any:
    """Before the decoder reads: see that it reads from a memory, a new one unless it was given one, and note what."""

    def hook(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        cache, used = kwargs.get("past_key_values"), kwargs.get("use_cache")
        if cache is None and (used or (used is None and module.config.use_cache)):
            cache = kwargs["past_key_values"] = memory.cache()
        memory.adopt(cache)
        ids = args[0] if args else kwargs.get("input_ids")
        if cache is not None and ids is not None:
            cache.layers[0].heard.note(ids)
        if memory.table is not None:
            memory.table.start = 0 if cache is None else cache.layers[0].get_seq_length()
        return args, kwargs

    return hook


def _all_logits(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """`generate` asks for the last logits only; a policy that listens needs those of every token."""
    if "logits_to_keep" in kwargs:
        kwargs["logits_to_keep"] = 0
    return args, kwargs


def _listen(memory: Attached) -> Any:
    """After the model has read: keep what it said, for a policy that wants it."""

    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        cache = getattr(out, "past_key_values", None)
        if cache is None:
            return
        ids = args[0] if args else kwargs.get("input_ids")
        if ids is None:
            raise BadInput(
                f"{type(memory.policy).__name__} needs to know the tokens: give input_ids, not inputs_embeds"
            )
        cache.layers[0].heard.hear(ids, out.logits)

    return hook
