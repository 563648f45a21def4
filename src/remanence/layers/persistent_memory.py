"""Keys and values that are learned and never change with what is read: attention to them is a feed-forward layer.

Source:  "Augmenting Self-attention with Persistent Memory", Sukhbaatar, Grave, Lample, Jégou, Joulin 2019
         (arXiv 1907.01470).
Idea:    relu(x W1) W2 is attention with another nonlinearity: rows of W1 are keys, rows of W2 values. So knowledge that
         does not depend on the context can stand beside the context in one softmax, and the feed-forward layer can go.
Cost:    O(N D) a token, 2 N D parameters for N vectors a head.
Differs: as a layer of its own (`forward`) its softmax is its own as well; the paper's, one softmax over context and
         persistent vectors, is `attend`. No scaling of the vectors by √d and √N while they are learned.

    w_h = softmax([q_h·k_c; q_h·k_h] / √K)     y = W_o [w_h [v_c; v_h]]_h     k_c, v_c of the context, or none

Shapes: B batch, T tokens, C tokens of the context, D width, H heads, K width of a head, N vectors, M what is written.
"""

import torch
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.parametric import Delta, ParametricMemory
from remanence.layers.parts.qkv import head_width


class PersistentMemory(ParametricMemory):
    """`vectors` is N, for each head its own."""

    def __init__(self, width: int, vectors: int = 64, heads: int = 1) -> None:
        super().__init__(width)
        if vectors < 1:
            raise BadConfig(f"vectors must be at least 1, got {vectors}")
        self.vectors, self.heads, self.head = vectors, heads, head_width(width, heads)
        self.query, self.out = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.keys = nn.Parameter(torch.randn(heads, vectors, self.head))
        self.values = nn.Parameter(torch.randn(heads, vectors, self.head))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out(self._read(self._weights(x)))
        return y

    def attend(self, x: Tensor, keys: Tensor, values: Tensor, looks: Tensor) -> Tensor:
        """One softmax over a context and the vectors: x [B, T, D], keys, values [B, H, C, K], looks [B, H, T, C]."""
        q = self._query(x).transpose(1, 2)  # [B, H, T, K]
        context = (q @ keys.mT).masked_fill(~looks, float("-inf"))
        scores = torch.cat([context, q @ self.keys.mT], -1) * self.head**-0.5
        seen, persistent = scores.softmax(-1).split([keys.shape[2], self.vectors], -1)
        y: Tensor = self.out((seen @ values + persistent @ self.values).transpose(1, 2).flatten(2))
        return y

    def lookup(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Every entry and its weight [..., H N]; entry h N + n is vector n of head h, and the weights of a head add
        up to 1."""
        weights = self._weights(x).flatten(-2)
        return torch.arange(weights.shape[-1], device=x.device).expand_as(weights), weights

    @torch.no_grad()
    def write(self, x: Tensor, values: Tensor) -> Delta:
        """The least change of the values after which x [M, D] answers `values` [M, D], solved head by head."""
        weights = self._weights(x)  # [M, H, N]
        wanted = (values @ torch.linalg.pinv(self.out.weight).mT).unflatten(-1, (self.heads, self.head))
        missing = wanted - self._read(weights).view_as(wanted)
        return Delta({"values": torch.linalg.pinv(weights.transpose(0, 1)) @ missing.transpose(0, 1)})

    def _query(self, x: Tensor) -> Tensor:
        """[..., D] -> [..., H, K]."""
        q: Tensor = self.query(x).unflatten(-1, (self.heads, self.head))
        return q

    def _weights(self, x: Tensor) -> Tensor:
        """[..., D] -> [..., H, N]."""
        scores = torch.einsum("...hk,hnk->...hn", self._query(x), self.keys)
        weights: Tensor = (scores * self.head**-0.5).softmax(-1)
        return weights

    def _read(self, weights: Tensor) -> Tensor:
        """[..., H, N] -> heads put together [..., D]."""
        return torch.einsum("...hn,hnk->...hk", weights, self.values).flatten(-2)
