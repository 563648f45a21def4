"""A large table of values, found by keys that are pairs of half keys, so that the best of n² are found by ranking 2 n.

Source:  "Large Memory Layers with Product Keys", Lample, Sablayrolles, Ranzato, Denoyer, Jégou 2019
         (arXiv 1907.05242).
Idea:    the score of key (i, j) is the score of half i plus that of half j; the k best of all n² pairs are among the
         k best halves of either side, exactly. A model gains parameters without gaining time.
Cost:    O(n D + k log k) a token and head to find, k D to read; n² D parameters of values, of which k D are touched.
Differs: layer normalisation of the query instead of batch normalisation, which would let rows of a batch talk.

    q = norm(W x), halves q1, q2     s_ij = q1·c_i + q2·c'_j     y = Σ_{(i,j) in the k best} softmax(s)_ij v_ij
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.parametric import Delta, ParametricMemory
from remanence.layers.parts.best_pairs import BestPairs


class ProductKeys(ParametricMemory):
    """`keys` is n, of each half: n² values are shared by all heads."""

    def __init__(self, width: int, keys: int = 32, heads: int = 2, k: int = 8, key_width: int | None = None) -> None:
        super().__init__(width)
        key_width = key_width or max(2, width // 8 * 2)  # a quarter: the authors' code has 256, for models of 1,024
        if key_width % 2:
            raise BadConfig(f"key_width must be even, for two halves, got {key_width}")
        if not 1 <= k <= keys:
            raise BadConfig(f"k must be from 1 to keys = {keys}, got {k}")
        self.keys, self.heads, self.k = keys, heads, k
        self.query = nn.Linear(width, heads * key_width, bias=False)
        self.norm = nn.LayerNorm(key_width)
        self.halves = nn.Parameter(torch.randn(heads, 2, keys, key_width // 2) * key_width**-0.5)
        self.values = nn.Parameter(torch.randn(keys * keys, width) * width**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        ids, weights = (y.flatten(0, -2) for y in self.lookup(x))
        ids = ids.int()  # sorted sooner, for the gradient of the values
        flat = F.embedding_bag(ids, self.values, per_sample_weights=weights, mode="sum")
        return flat.view(*x.shape[:-1], self.width)

    def lookup(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """ids and weights [..., heads * k]; the weights of a head add up to 1."""
        q = self.norm(self.query(x).reshape(-1, self.heads, 2 * self.halves.shape[-1])).unflatten(-1, (2, -1))
        scores, ids = BestPairs.apply(q, self.halves, self.k)  # [H, k, N]
        ids, weights = (y.permute(2, 0, 1).reshape(*x.shape[:-1], -1) for y in (ids, scores.softmax(1)))
        return ids, weights

    @torch.no_grad()
    def write(self, x: Tensor, values: Tensor) -> Delta:
        """The least change of the values read by x [N, D] after which x answers `values` [N, D]."""
        ids, weights = self.lookup(x)
        used, column = ids.unique(return_inverse=True)
        reads = x.new_zeros(len(x), len(used)).scatter_add_(1, column, weights)  # y = reads @ values[used]
        change = torch.linalg.pinv(reads) @ (values - self(x))
        return Delta({"values": torch.zeros_like(self.values).index_copy_(0, used, change)})
