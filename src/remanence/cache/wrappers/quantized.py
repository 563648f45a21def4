"""The far past in 8 or 4 bits, the newest tokens in full. Put it around any policy.

Source:  "KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache", Liu, Yuan, Jin, Zhong, Xu, Braverman, Chen, Hu
         2024 (arXiv 2402.02750).
Idea:    a few channels of keys are large in every token, so keys share a scale along a channel; values have no such
         channels, and each token has its own. A piece is coded after it was answered; what is read is turned back.
Cost:    bits / 8 bytes a number, and 4 bytes for each channel of 32 tokens (keys) and for each token (values).
Differs: 8 or 4 bits, not 2; keys before rotation; the group of a value is its whole width. Keys of a policy that lets
         go of tokens have a scale each, so that what is kept is not coded again; what is merged is. Tokens
         that were coded stay so when later ones are taken back (crop): within s / 2 of what they were.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from remanence.cache.base import Far, KeysOrValues
from remanence.cache.parts.compressed import Compressed
from remanence.cache.parts.half import half
from remanence.cache.parts.held import Held
from remanence.cache.parts.tokens import Tokens
from remanence.cache.parts.wrapper import Wrapper
from remanence.errors import BadConfig, BadInput


@dataclass
class Quantized(Wrapper):
    bits: int = 8
    group: int = 32  # tokens of a channel that share a scale (the paper's)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bits not in (4, 8):
            raise BadConfig(f"bits must be 4 or 8, got {self.bits}")
        if self.group < 1:
            raise BadConfig(f"group must be at least 1, got {self.group}")

    def added(self, held: Held) -> None:
        super().added(held)
        for store in (held.k, held.v):
            if isinstance(store, _Codes):
                store.settle()
        held.rotated = None  # a copy of the keys from before they were coded

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        """Where everything is read, it is named nevertheless, so that it is turned back once for `stride` tokens."""
        far, end = self.policy.choose(held, query, past), past - self.local
        named = far is None and self.stride > 1 and self.positions == "compact" and end > self.sinks
        return Far.span(self.sinks, end, query.device) if named else far

    def store(self, like: Tensor, what: KeysOrValues) -> Tokens:
        inner = self.policy.store(like, what)
        if inner.parts().keys() != {""}:
            raise BadConfig(
                f"{type(self.policy).__name__} keeps {what} in fewer bytes already; Quantized cannot code them"
            )
        codes = _Codes(like, self.bits, self.group if what == "keys" and not self.forgets else 1, self.local)
        codes.place(inner.allocate)
        return codes


class _Codes(Compressed):
    """Integers with a scale s and an offset z, both in half precision and rounded outwards, so that the bound holds.

    c = round((x - z) / s),  z = min x,  s = (max x - min x) / (2^bits - 1);   read as c s + z, at most s / 2 off

    over `group` tokens of one channel, or, where that is 1, over the channels of one token.
    """

    def __init__(self, like: Tensor, bits: int, group: int, full: int) -> None:
        b, h, _, d = like.shape
        if bits == 4 and d % 2:
            raise BadConfig(f"4 bits need an even head width, got {d}")
        codes = like.new_empty(b, h, 0, d * bits // 8, dtype=torch.uint8)
        marks = like.new_empty(b, h, 0, 2 * (1 if group == 1 else d), dtype=torch.float16)
        super().__init__(like, codes, marks, group, full)
        self.bits = bits

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x, over, levels = x.float(), 4 if self.group == 1 else 3, 2**self.bits - 1
        z = half(x.amin(over, keepdim=True), up=False)
        s = half((x.amax(over, keepdim=True) - z) / levels, up=True)
        if not bool((z.isfinite() & s.isfinite()).all()):
            raise BadInput(
                f"a key or value of {float(x.abs().max()):g} does not fit half precision; leave out Quantized"
            )
        c = ((x - z) / s.masked_fill(s == 0, 1)).round().clamp(0, levels).to(torch.uint8).flatten(2, 3)
        if self.bits == 4:
            low, high = c.chunk(2, -1)
            c = low | high << 4
        return c, torch.cat([s, z], over).flatten(3).half()

    def decode(self, codes: Tensor, marks: Tensor) -> Tensor:
        c = torch.cat([codes & 15, codes >> 4], -1) if self.bits == 4 else codes
        s, z = marks.float().chunk(2, -1)
        return (c * s + z).to(self.data.dtype)
