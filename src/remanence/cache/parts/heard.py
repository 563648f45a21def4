"""What a model said of the tokens it read: who they were, how much they surprised it, how unsure it was after them.

Idea:    logits come after all layers, so what they tell of a piece is known only when the next piece is read. Policies
         that need it decide about tokens that have left the local window.

    surprise  -log p(x_t | x_<t)   nats, of each token before it was read; 0 for the first
    entropy   -Σ p log p           nats, of the prediction made after the token

Shapes: B batch, N tokens seen, V vocabulary.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Heard:
    """Each is [B, N] for the tokens whose logits are known; None before the first. `read` is known of all, at once."""

    ids: Tensor | None = None
    surprise: Tensor | None = None
    entropy: Tensor | None = None
    _last: Tensor | None = None  # [B, V] log-probabilities of what comes next
    pieces: list[Tensor] = field(default_factory=list)  # [B, T] ids of every token, whether or not a policy hears

    def __len__(self) -> int:
        return 0 if self.ids is None else self.ids.shape[1]

    @property
    def read(self) -> Tensor | None:
        """[B, N]: the ids of all tokens read. They are joined when asked for, not at every token."""
        if len(self.pieces) > 1:
            self.pieces = [torch.cat(self.pieces, 1)]
        return self.pieces[0] if self.pieces else None

    def note(self, ids: Tensor) -> None:
        """The next tokens [B, T] were read."""
        self.pieces.append(ids.clone())

    def hear(self, ids: Tensor, logits: Tensor) -> None:
        """The next tokens [B, T] and what was said after each of them [B, T, V]."""
        log_p = logits.float().log_softmax(-1)
        before = log_p[:, :-1]
        if self._last is not None:
            before = torch.cat([self._last[:, None], before], 1)
        known = -before.gather(2, ids[:, ids.shape[1] - before.shape[1] :, None])[..., 0]
        surprise = known if self._last is not None else torch.cat([known.new_zeros(len(ids), 1), known], 1)
        entropy = -(log_p.exp() * log_p).sum(-1)
        self.ids = _joined(self.ids, ids)
        self.surprise = _joined(self.surprise, surprise)
        self.entropy = _joined(self.entropy, entropy)
        self._last = log_p[:, -1]

    def crop(self, n: int) -> None:
        """Forget all but the first n tokens. What was said after the last of them is unknown again."""
        self.pieces = [] if self.read is None else [self.read[:, :n]]
        if n < len(self):
            self.ids, self.surprise, self.entropy = (_first(x, n) for x in (self.ids, self.surprise, self.entropy))
            self._last = None

    def rows(self, ids: Tensor) -> None:
        """Other rows of the batch in the place of these."""
        self.pieces = [] if self.read is None else [self.read[ids.to(self.read.device)]]
        both = (self.ids, self.surprise, self.entropy, self._last)
        self.ids, self.surprise, self.entropy, self._last = (None if x is None else x[ids.to(x.device)] for x in both)


def _joined(old: Tensor | None, new: Tensor) -> Tensor:
    return new if old is None else torch.cat([old, new], 1)


def _first(x: Tensor | None, n: int) -> Tensor | None:
    return None if x is None else x[:, :n]
