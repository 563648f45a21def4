"""What is held for one layer of a model: the keys and values of the past, before rotation, or after it.

Shapes: B batch, H key-value heads, N tokens held, R tokens chosen, D width.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from remanence.cache.parts.heard import Heard
from remanence.cache.parts.tokens import Tokens
from remanence.errors import BadInput

PADDING = -1


@dataclass
class Held:
    """Keys that are not held rotated carry no position, so they can be read at any. `seen` counts those let go of."""

    k: Tokens
    v: Tokens
    heard: Heard  # what the model said of the tokens, shared by its layers
    layer: int = 0
    seen: int = 0
    where: Tokens | None = None  # [B, 1 or H, N, 1] where seen, or PADDING; what is not noted was seen last, in order
    padded: bool = False  # whether any was padding
    holds_rotated: bool = False  # whether keys are held rotated to where they were seen
    rotated: Tokens | None = field(default=None, repr=False)  # k at the places 0, 1, ..., while all is read
    gap: int = 0  # `rotated` was given, at other places: the next token is there at as many more than are held

    def __len__(self) -> int:
        return len(self.k)

    def append(self, k: Tensor, v: Tensor, real: Tensor | None) -> None:
        """New tokens [B, H, T, D]. `real` [B, T] is False at padding; None: none is."""
        if real is not None:
            places = self.places()
            if self.where is None:
                self.note(places.expand(k.shape[0], -1, -1))
            new = torch.arange(self.seen, self.seen + k.shape[2], device=k.device)
            self._note_more(new.masked_fill(~real, PADDING)[:, None])
            self.padded = True
        self.k.append(k)
        self.v.append(v)
        self.seen += k.shape[2]

    def places(self) -> Tensor:
        """[B or 1, H or 1, N]: where each token held was seen, or PADDING."""
        if self.where is not None:
            if more := len(self) - len(self.where):
                self._note_more(torch.arange(self.seen - more, self.seen, device=self.where.data.device)[None, None])
            return self.where.span(0, len(self))[..., 0]
        return torch.arange(len(self), device=self.k.data.device)[None, None]

    def padding(self) -> Tensor | None:
        """[B, 1 or H, N], True at padding; None where there is none."""
        return self.places() == PADDING if self.padded else None

    def note(self, places: Tensor) -> None:
        """All that is held was seen at places [B, 1 or H, N]."""
        self.where = Tokens.like(places[..., None])
        self.where.append(places[..., None])

    def _note_more(self, places: Tensor) -> None:
        assert self.where is not None
        self.where.append(places.expand(*self.where.data.shape[:2], -1)[..., None])

    def keep(self, ids: Tensor) -> None:
        """Let go of all tokens but those of ids [B or 1, H or 1, R], ascending."""
        b, h = self.k.data.shape[:2]
        alike = ids.shape[1] == 1 and self.places().shape[1] == 1
        self.note(self.places().expand(b, 1 if alike else h, -1).gather(2, ids.expand(b, 1 if alike else h, -1)))
        self.k.keep(ids)
        self.v.keep(ids)
        self.rotated = None

    def put(self, start: int, end: int, k: Tensor, v: Tensor, where: Tensor) -> None:
        """In the place of tokens start..end, others [B, H, R, D] that stand for them, as if seen at where [B, H, R]."""
        places = self.places().expand(*where.shape[:2], -1)
        self.note(torch.cat([places[:, :, :start], where, places[:, :, end:]], 2))
        for held, new in ((self.k, k), (self.v, v)):
            after = held.span(end, len(held)).clone()
            held.crop(start)
            held.append(new.to(after.dtype))
            held.append(after)
        self.padded = bool((self.places() == PADDING).any())
        self.rotated = None

    def crop(self, n: int) -> None:
        """Let go of the last tokens seen, so that n are left."""
        left = len(self) - (self.seen - n)
        if left < 0:
            raise BadInput(f"taken back too far: of the {self.seen} tokens seen, only the last {len(self)} are held")
        self.k.crop(left)
        self.v.crop(left)
        if self.where is not None:
            self.where.crop(min(left, len(self.where)))
        if self.rotated is not None:
            self.rotated.crop(min(left, len(self.rotated)))
        self.seen = n

    def rows(self, ids: Tensor) -> None:
        """Other rows of the batch in the place of these."""
        self.k.rows(ids)
        self.v.rows(ids)
        if self.where is not None:
            self.where.rows(ids)
        self.rotated = None

    @property
    def nbytes(self) -> int:
        """Keys, values and places; the rotated copy, which can be made again, is not counted."""
        return self.k.nbytes + self.v.nbytes + (0 if self.where is None else self.where.nbytes)
