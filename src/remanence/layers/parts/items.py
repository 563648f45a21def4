"""What was read, kept item by item; a token asks those before it. How it asks is the method's.

An item is made of a token and the few before it. A token is no item of its own: it is the question.

Shapes: B batch, T tokens, D width, N items, I width of an item, W tokens an item is made of.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.seen import in_pieces


@dataclass(frozen=True)
class Items(State):
    """Grows with every token; `real` is False at padding and before a row began anew."""

    held: Tensor  # [B, N, I]
    real: Tensor  # [B, N]
    before: Tensor  # [B, W - 1, D], the last tokens read


class OverItems(Cell[Items]):
    """`seen` is W; leaves say what an item is and how items are asked."""

    forms: ClassVar[tuple[Form, ...]] = ("parallel", "recurrent")

    def __init__(self, width: int, item_width: int, seen: int) -> None:
        super().__init__(width)
        if seen < 1:
            raise BadConfig(f"an item is made of at least 1 token, got {seen}")
        self.item_width, self.seen = item_width, seen

    @abstractmethod
    def items(self, windows: Tensor) -> Tensor:
        """windows [B, T, W, D], a token last in each, oldest first -> [B, T, I]."""

    @abstractmethod
    def ask(self, windows: Tensor, held: Tensor, looks: Tensor) -> Tensor:
        """The answers y [B, T, D] to the tokens that end the windows, from the items each looks at [B, T, N]."""

    def init_state(self, batch: int) -> Items:
        held = self.like.new_zeros(batch, 0, self.item_width)
        real = torch.zeros(batch, 0, dtype=torch.bool, device=held.device)
        return Items(held, real, held.new_zeros(batch, self.seen - 1, self.width))

    def anew(self, state: Items, rows: Tensor) -> Items:
        before = torch.where(rows[:, None, None], torch.zeros_like(state.before), state.before)
        return replace(state, real=state.real & ~rows[:, None], before=before)

    def scan(self, x: Tensor, state: Items, mask: Tensor | None, form: Form) -> tuple[Tensor, Items]:
        return in_pieces(self._asked, x, state, mask, form)

    def _asked(self, x: Tensor, state: Items, new: Tensor) -> tuple[Tensor, Items]:
        windows, looks, state = self.take_in(x, state, new)
        return self.ask(windows, state.held, looks), state

    def take_in(self, x: Tensor, state: Items, mask: Tensor | None) -> tuple[Tensor, Tensor, Items]:
        """The windows of these tokens, the items each may ask, and all items with their own among them."""
        tokens = torch.cat([state.before, x], 1)
        windows = tokens.unfold(1, self.seen, 1).mT  # [B, T, W, D]
        new = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
        held, real = torch.cat([state.held, self.items(windows)], 1), torch.cat([state.real, new], 1)
        earlier = torch.ones(x.shape[1], real.shape[1], dtype=torch.bool, device=x.device)
        earlier = earlier.tril(real.shape[1] - x.shape[1] - 1)
        after = Items(held, real, tokens[:, tokens.shape[1] - self.seen + 1 :])
        return windows, earlier & real[:, None], after


def shares(scores: Tensor, looks: Tensor) -> Tensor:
    """Softmax over the last dimension where `looks`; all 0 where there is nothing to look at."""
    return scores.masked_fill(~looks, torch.finfo(scores.dtype).min).softmax(-1) * looks
