"""A decoder that can look back at states it is handed: what segment memories are put around.

    x = √D embedding(ids)    x = x + attention(norm([past; x]))    x = x + W2 gelu(W1 norm(x))

Rotary positions count from the first of what is handed over, so what is further back is further away.

Shapes: B batch, T tokens, M states of the past, D width, V vocabulary.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.layers.parts.qkv import head_width
from remanence.layers.parts.rotary import rotary


class DecoderLayer(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads, self.head = heads, head_width(width, heads)
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor, past: Tensor | None) -> Tensor:
        """x [B, T, D], past [B, M, D]."""
        m = 0 if past is None else past.shape[1]
        seen = self.attention_norm(x if past is None else torch.cat([past, x], 1))
        q, k, v = (
            f(y).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for f, y in ((self.q, seen[:, m:]), (self.k, seen), (self.v, seen))
        )
        looks = torch.ones(x.shape[1], m + x.shape[1], dtype=torch.bool, device=x.device).tril(m)
        y = F.scaled_dot_product_attention(rotary(q, m), rotary(k), v, attn_mask=looks)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        x = x + self.down(F.gelu(self.up(self.norm(x))))
        return x


class Decoder(nn.Module):
    """A `Backbone`; the head is tied to the embedding."""

    def __init__(
        self, vocab_size: int, width: int = 64, depth: int = 2, heads: int = 2, hidden: int | None = None
    ) -> None:
        super().__init__()
        self.width, self.depth = width, depth
        self.embedding = nn.Embedding(vocab_size, width)
        self.layers = nn.ModuleList(DecoderLayer(width, heads, hidden or 4 * width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=module.weight.shape[1] ** -0.5)  # .02 is for widths of 2,000

    def embed(self, ids: Tensor) -> Tensor:
        embedded: Tensor = self.embedding(ids) * self.width**0.5  # as large as what layers add
        return embedded

    def layer(self, i: int, x: Tensor, past: Tensor | None = None) -> Tensor:
        out: Tensor = self.layers[i](x, past)
        return out

    def head(self, x: Tensor) -> Tensor:
        logits: Tensor = self.norm(x) @ self.embedding.weight.mT
        return logits
