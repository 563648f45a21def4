"""The heads that copy from far back read all of the past, the others sinks and a window.

Source:  "Retrieval Head Mechanistically Explains Long-Context Factuality", Wu, Wang, Xiao, Peng, Fu 2024
         (arXiv 2404.15574).
Idea:    a head copies if, when the model writes a token of the needle, the head looks most at that very token there.
         How often it does is its score, |copied by the head| / |needle|; few heads of a model have one above 0.1, and
         without them it does not find what it read.
Cost:    detection: one pass over each sample. Reading: everything, but in layers without such a head sinks + local.
Differs: the answer is given, not decoded, while heads are watched; nothing is let go of. To have these heads read only
         a part of the past, put PerHead(policy, heads) around the policy that chooses it.

Shapes: B batch, L layers, Q query heads, T queries, N tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from sys import maxsize
from typing import Self

import torch
from torch import Tensor
from transformers import PreTrainedModel

from remanence.cache.base import Base, Far
from remanence.cache.parts.attend import Read, attend, weights
from remanence.cache.parts.heads import looking, of_layer
from remanence.cache.parts.held import Held


@dataclass
class RetrievalHeads(Base):
    heads: Sequence[tuple[int, int]] = ()  # (layer, query head), as `found` gives them

    @classmethod
    def found(
        cls, model: PreTrainedModel, ids: Tensor, needle: Tensor, answer: int, least: float = 0.1, after: int = 0
    ) -> Self:
        """With the heads whose score (see `scores`) is at least so high (the paper's 0.1), the best first."""
        score = scores(model, ids, needle, answer, after)
        order = score.flatten().sort(descending=True)
        best = order.indices[order.values >= least].tolist()
        return cls(tuple(divmod(i, score.shape[1]) for i in best))

    @property
    def budget(self) -> int:
        return maxsize if self.heads else 0

    def covers(self, tokens: int) -> bool:
        return tokens <= self.sinks + self.local  # beyond, most heads leave something out

    def on(self, layer: int, layers: int) -> Base:
        return replace(self, heads=of_layer(self.heads, layer, layers))

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        if not self.heads:
            return Far.span(end, end, query.device)
        return looking(Far.span(start, end, query.device), self.heads, query)


@torch.no_grad()
def scores(model: PreTrainedModel, ids: Tensor, needle: Tensor, answer: int, after: int = 0) -> Tensor:
    """[L, Q]: of the last `answer` tokens of samples [B, N], the share that each head copies from the needle.

    `needle` [B, 2] is its first token and the one after its last in each sample; the answer stands at the end. A head
    may look up to `after` tokens after the one it copies: in a model of two layers these carry it as well.
    """
    with _Watching(answer)(model) as memory:
        cache = memory.cache()
        model(ids[:, :-1], past_key_values=cache)
    none = torch.zeros(model.config.get_text_config(decoder=True).num_attention_heads)
    tops = [layer.policy.noted().get("top") for layer in cache.memory_layers]  # None: a layer with a window of its own
    return torch.stack([_copied(top, ids, needle, after) if isinstance(top, Tensor) else none for top in tops])


def _copied(top: Tensor, ids: Tensor, needle: Tensor, after: int) -> Tensor:
    """[Q]: how often the token looked at most [B, Q, T], or one before it, is of the needle and is the one written."""
    written = ids[:, -top.shape[2] :][:, None]
    copied = torch.zeros_like(top, dtype=torch.bool)
    for back in range(after + 1):
        at = top - back
        inside = (at >= needle[:, :1, None]) & (at < needle[:, 1:, None])
        read = ids[:, None].expand(-1, top.shape[1], -1).gather(2, at.clamp(min=0))
        copied |= inside & (read == written)
    return copied.float().mean((0, 2)).cpu()


@dataclass
class _Watching(Base):
    """Reads everything, and notes the token that each of the newest queries looks at most."""

    newest: int = 1
    top: Tensor | None = field(default=None, init=False, repr=False, compare=False)  # [B, Q, T]

    @property
    def budget(self) -> int:
        return maxsize

    def covers(self, tokens: int) -> bool:
        return True

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        return Far.span(start, end, query.device)

    def attend(self, read: Read, held: Held) -> Tensor:
        mask = None if read.mask is None else read.mask[:, :, -self.newest :]
        newest = replace(read, query=read.query[:, :, -self.newest :], mask=mask)
        self.top = weights(newest)[..., : read.keys.shape[2]].argmax(-1)
        return attend(read)
