"""A memory that outlives its process: what a cache holds, saved to a file and gone on from.

    cache.save("book.cube")                                   # in any process, once
    cache = memory.load("book.cube")                          # in another, in milliseconds
    model.generate(cache.prompt(ids), past_key_values=cache)  # the document was not read again

Loaded keys and values lie beneath what is read from then on: mapped, never written, shared by all rows of a batch
(`cache.batch_repeat_interleave(4)` for four questions at once). What the policy noted is there as well.

Layout: layers.<i>.k and .v [1, H, N, D] (or the parts of a store of another kind), .where, .noted.<field>; read.ids;
heard.<field>. Other policies may go on from a file as long as nothing was let go of; their index is made anew.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from remanence.cache.base import Base
from remanence.cache.parts import disk
from remanence.cache.parts.fingerprint import Identity
from remanence.cache.parts.heard import Heard
from remanence.cache.parts.held import PADDING, Held
from remanence.cache.parts.tokens import Tokens
from remanence.errors import BadConfig, BadInput, Corrupt, NotAttached, OtherModel

if TYPE_CHECKING:
    from remanence.cache.parts.attach import Attached
    from remanence.cache.parts.layer import MemoryLayer
    from remanence.cache.parts.memory_cache import MemoryCache

KEYS_AND_VALUES = re.compile(r"layers\.\d+\.[kv]\b")
SAID = ("ids", "surprise", "entropy", "_last")  # of Heard


def save(cache: MemoryCache, path: Path, tokenizer: Any, progress: disk.Progress | None) -> None:
    first, *_ = cache.memory_layers
    if first.attached is None:
        raise NotAttached("this cache was never read by a model, so there is nothing to save")
    about = {
        "model": asdict(Identity.of(first.attached.model, tokenizer)),
        "policy": described(first.attached.policy),
        "layers": [_about(layer) for layer in cache.memory_layers],
    }
    disk.write(path, lambda: _tensors(cache), about, progress)


def load(memory: Attached, path: Path, tokenizer: Any) -> MemoryCache:
    file = disk.read(path)
    tensors = {name: x.to(memory.model.device) for name, x in file.tensors.items()}  # on a CPU they stay where they are
    cache = memory.cache()
    try:
        made, layers = Identity(**file.about["model"]), file.about["layers"]
        _same(path, made, Identity.of(memory.model, tokenizer))
        parts = [
            _fill(layer, said, _under(f"layers.{layer.index}.", tensors), path)
            for layer, said in zip(cache.memory_layers, layers, strict=True)
        ]
        if all(parts):
            file.sparse(name for name in tensors if KEYS_AND_VALUES.match(name))
        _hear(cache.memory_layers[0].heard, tensors)
    except (KeyError, TypeError, IndexError) as error:
        raise Corrupt(f"{path} is damaged: its header does not say what it must ({error!r})") from error
    deaf = [layer for layer in cache.memory_layers if layer.policy.hears and len(layer.heard) < layer.get_seq_length()]
    if deaf:
        raise BadConfig(
            f"{path} was read by a policy that did not listen to what the model says of tokens, which "
            f"{type(memory.policy).__name__} needs; read the text again with it"
        )
    return cache


def saved_by(path: Path) -> dict[str, Any]:
    """The name of the policy a file was saved with, as `policy`, and its settings."""
    said = disk.read(path).about.get("policy")
    if not isinstance(said, dict) or "policy" not in said:
        raise BadConfig(f"{path} was saved with policies that differ from layer to layer; load it with them")
    return said


def described(value: Any) -> Any:
    """A policy's name and settings as JSON can say them."""
    if is_dataclass(value):
        settings = {f.name: described(getattr(value, f.name)) for f in fields(value) if f.init}
        return {"policy": type(value).__name__} | settings
    if isinstance(value, Tensor):
        return hashlib.sha256(disk.raw(value)).hexdigest()
    if isinstance(value, Mapping):
        return {str(key): described(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [described(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _about(layer: MemoryLayer) -> dict[str, Any]:
    held = layer.held
    if held is None:
        raise BadInput("nothing was read yet, so there is nothing to save")
    k, v = held.k.data, held.v.data
    return {
        "policy": described(layer.policy),
        "padding": layer.padding,
        "seen": held.seen,
        "held": len(held),
        "rotated": held.holds_rotated,
        "shapes": [[x.shape[0], x.shape[1], x.shape[3]] for x in (k, v)],
        "dtype": str(k.dtype).removeprefix("torch."),
        "noted": {name: value for name, _, value in _notes(layer.policy) if not isinstance(value, Tensor | Tokens)},
        "grows": [name for name, _, value in _notes(layer.policy) if isinstance(value, Tokens)],
    }


def _tensors(cache: MemoryCache) -> Iterator[tuple[str, Tensor]]:
    for layer in cache.memory_layers:
        held, name = layer.held, f"layers.{layer.index}."
        assert held is not None
        for kv, store in (("k", held.k), ("v", held.v)):
            yield from ((f"{name}{kv}.{part}".rstrip("."), x) for part, x in store.parts().items())
        if held.where is not None:
            yield f"{name}where", held.places()
        for note, _, value in _notes(layer.policy):
            if isinstance(value, Tokens):
                yield f"{name}noted.{note}", value.span(0, len(value))
            elif isinstance(value, Tensor):
                yield f"{name}noted.{note}", value
    heard = cache.memory_layers[0].heard
    if heard.read is not None and heard.read.shape[1] == cache.get_seq_length():
        yield "read.ids", heard.read
    yield from ((f"heard.{name}", x) for name in SAID if (x := getattr(heard, name)) is not None)


def _notes(policy: Base, above: str = "") -> Iterator[tuple[str, tuple[Base, str], Any]]:
    """The path, the place and the value of all that a policy, and one it is put around, has noted."""
    for f in fields(policy):
        value = getattr(policy, f.name)
        if f.init and isinstance(value, Base):
            yield from _notes(value, f"{above}{f.name}.")
        elif not f.init:
            if not isinstance(value, Tensor | Tokens | bool | int | float | str | None):
                raise BadInput(f"{type(policy).__name__}.{f.name} is a {type(value).__name__}, which cannot be saved")
            yield f"{above}{f.name}", (policy, f.name), value


def _same(path: Path, made: Identity, here: Identity) -> None:
    differs = made.differs(here)
    if differs:
        revision = f" (revision {made.revision})" if made.revision else ""
        raise OtherModel(
            f"{path} was made by {made.model or 'a model without a name'}{revision} in {made.dtype}; this is "
            f"{here.model or 'one without a name'} in {here.dtype}, with another: {', '.join(differs)}. Keys and "
            "values mean nothing to another model; read the text again"
        )


def _fill(layer: MemoryLayer, said: dict[str, Any], tensors: dict[str, Tensor], path: Path) -> bool:
    """Give a layer what was saved; whether it will read but a part of it, and that with the index it has."""
    layer.padding = said["padding"]
    layer.policy.pad(layer.padding)
    same = described(layer.policy) == said["policy"]
    if not same and said["held"] != said["seen"]:
        raise BadConfig(
            f"{path} was saved by {said['policy']['policy']}, which let go of {said['seen'] - said['held']} of its "
            f"{said['seen']} tokens; only that policy, with the same settings, can go on from it"
        )
    if said["rotated"] != layer.policy.holds_rotated:
        how = "rotated to where they were seen" if said["rotated"] else "before rotation"
        raise BadConfig(
            f"{path} holds keys {how}, as {said['policy']['policy']} did; {type(layer.policy).__name__} needs the other"
        )
    k, v = (
        _store(layer.policy, name, shape, said, tensors, path) for name, shape in zip("kv", said["shapes"], strict=True)
    )
    layer.lazy_initialization(k.data, v.data)
    layer.held = Held(k, v, layer.heard, layer.index, said["seen"], holds_rotated=said["rotated"])
    if "where" in tensors:
        layer.held.note(tensors["where"])
        layer.held.padded = bool((tensors["where"] == PADDING).any())
    if same:
        for name, (policy, field), _ in list(_notes(layer.policy)):
            value: Any = tensors[f"noted.{name}"] if f"noted.{name}" in tensors else said["noted"].get(name)
            setattr(policy, field, _growing(value) if name in said["grows"] else value)
    return same and not layer.policy.covers(said["held"])


def _store(
    policy: Base, name: str, shape: list[int], said: dict[str, Any], tensors: dict[str, Tensor], path: Path
) -> Tokens:
    """The policy's own kind of store, on top of what was saved where that is of the kind, else filled from it."""
    saved = {"": tensors[name]} if name in tensors else _under(f"{name}.", tensors)
    b, h, d = shape
    device = next(iter(saved.values())).device
    like = torch.empty(b, h, 0, d, dtype=getattr(torch, said["dtype"]), device=device)
    store = policy.store(like, "keys" if name == "k" else "values")
    if store.parts().keys() == saved.keys():
        store.lay(saved)
    elif saved.keys() == {""}:
        store.append(saved[""])
    else:
        raise BadConfig(f"{path} holds keys and values in the way of {said['policy']['policy']}; load it with that")
    return store


def _growing(x: Tensor) -> Tokens:
    tokens = Tokens.like(x)
    tokens.lay({"": x})
    return tokens


def _hear(heard: Heard, tensors: dict[str, Tensor]) -> None:
    if "read.ids" in tensors:
        heard.pieces = [tensors["read.ids"]]
    for name in SAID:
        setattr(heard, name, tensors.get(f"heard.{name}"))


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): x for name, x in tensors.items() if name.startswith(prefix)}
