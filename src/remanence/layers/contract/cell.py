"""Memory that is read and written token by token: y, state = cell(x, state).

    recurrent  a token at a time, as the paper writes it: the form the others are checked against
    chunk      a block at a time: the one to train with
    parallel   the whole sequence in one formula, quadratic in its length

All forms of a cell agree; which it has, it says in `forms`. A sequence may be cut at multiples of `grain` and handed
over in pieces with the state between; `block_size` changes the speed alone, `grad_chunk`, where there is one, what is
computed.

Shapes: B batch, T tokens, D width.
"""

from abc import abstractmethod
from typing import ClassVar, Generic, Literal, TypeVar

import torch
from torch import Tensor

from remanence.errors import BadConfig, BadInput
from remanence.layers.base import Base
from remanence.layers.contract.state import State

Form = Literal["recurrent", "chunk", "parallel"]
S = TypeVar("S", bound=State)


class Cell(Base, Generic[S]):
    """Leaves say how a state begins and how a sequence runs through it."""

    forms: ClassVar[tuple[Form, ...]] = ("recurrent", "chunk", "parallel")  # the first is used where none is asked for
    grain: int = 1  # tokens

    @abstractmethod
    def init_state(self, batch: int) -> S:
        """What is remembered before anything was read."""

    @abstractmethod
    def scan(self, x: Tensor, state: S, mask: Tensor | None, form: Form) -> tuple[Tensor, S]:
        """x [B, T, D] -> y [B, T, D] and the state after it. Where `mask` [B, T] is False nothing is written."""

    def anew(self, state: S, rows: Tensor) -> S:
        """The state with these rows [B] as if nothing had been read."""
        return self.init_state(len(rows)).where(rows, state)

    def forward(
        self,
        x: Tensor,
        state: S | None = None,
        *,
        mask: Tensor | None = None,
        reset: Tensor | None = None,
        form: Form | None = None,
    ) -> tuple[Tensor, S]:
        """x [B, T, D] -> y [B, T, D] and the state after it.

        `mask` [B, T] is False at padding, which comes before a row's first token: nothing is written there and y is 0.
        `reset` [B, T] is True where a row begins anew: it is as if no token came before.
        """
        form = form or ("chunk" if "chunk" in self.forms else self.forms[0])
        if form not in self.forms:
            raise BadConfig(f"{type(self).__name__} has no form {form!r}; it has {', '.join(self.forms)}")
        state = self.init_state(len(x)) if state is None else state
        if reset is None or not bool(reset.any()):
            return self._masked(x, state, mask, form)
        starts = sorted({0, *reset.any(0).nonzero().flatten().tolist()})
        if any(start % self.grain for start in starts):
            raise BadInput(f"{type(self).__name__} can begin anew at multiples of {self.grain} tokens, got {starts}")
        out = []
        for start, end in zip(starts, [*starts[1:], x.shape[1]], strict=True):
            state = self.anew(state, reset[:, start])
            piece = None if mask is None else mask[:, start:end]
            y, state = self._masked(x[:, start:end], state, piece, form)
            out.append(y)
        return torch.cat(out, 1), state

    def _masked(self, x: Tensor, state: S, mask: Tensor | None, form: Form) -> tuple[Tensor, S]:
        if mask is None:
            return self.scan(x, state, None, form)
        y, state = self.scan(x * mask[..., None], state, mask, form)
        return y * mask[..., None], state
