"""What a layer hands from one call to the next: a frozen tree of tensors, the batch first in each.

Registered with torch's pytrees, so that it can be carried through vmap, checkpoints and caches.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor
from torch.utils import _pytree as pytree


@dataclass(frozen=True)
class State:
    """Fields are tensors [B, ...], states, tuples of either, or plain numbers (such as a position)."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        pytree.register_pytree_node(cls, _children, lambda values, context: cls(*values))

    def map(self, change: Callable[[Tensor], Tensor]) -> Self:
        """With every tensor changed."""
        return replace(self, **{f.name: _map(getattr(self, f.name), change) for f in fields(self)})

    def tensors(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Every tensor by its path, such as `heads.0.key`."""
        for f in fields(self):
            yield from _walk(getattr(self, f.name), f"{prefix}{f.name}")

    def detach(self) -> Self:
        return self.map(lambda x: x.detach())

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Another device or dtype; whole numbers keep theirs."""
        return self.map(lambda x: x.to(*args, **kwargs) if x.is_floating_point() else x.to(_device(args, kwargs, x)))

    def index_select(self, rows: Tensor) -> Self:
        """Other rows of the batch: beams, repeats, a selection."""
        return self.map(lambda x: x.index_select(0, rows.to(x.device)))

    def where(self, rows: Tensor, other: Self) -> Self:
        """Its own rows where `rows` [B] is True, the other's elsewhere."""
        theirs = dict(other.tensors())
        named = {name: torch.where(_wide(rows, x), x, theirs[name]) for name, x in self.tensors()}
        return self.load(named)

    @property
    def nbytes(self) -> int:
        return sum(x.nbytes for _, x in self.tensors())

    def state_dict(self) -> dict[str, Tensor]:
        return dict(self.tensors())

    def load(self, tensors: Mapping[str, Tensor]) -> Self:
        """The same tree with these tensors, by path."""
        paths = iter([name for name, _ in self.tensors()])
        return self.map(lambda x: tensors[next(paths)])


def _map(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, State):
        return value.map(change)
    return tuple(_map(v, change) for v in value) if isinstance(value, tuple) else value


def _walk(value: Any, path: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield path, value
    elif isinstance(value, State):
        yield from value.tensors(f"{path}.")
    elif isinstance(value, tuple):
        for i, v in enumerate(value):
            yield from _walk(v, f"{path}.{i}")


def _children(state: State) -> tuple[list[Any], None]:
    return [getattr(state, f.name) for f in fields(state)], None


def _wide(rows: Tensor, like: Tensor) -> Tensor:
    return rows.view(-1, *[1] * (like.dim() - 1))


def _device(args: tuple[Any, ...], kwargs: dict[str, Any], x: Tensor) -> torch.device:
    for value in (*args, *kwargs.values()):
        if isinstance(value, torch.device | str):
            return torch.device(value)
    return x.device
