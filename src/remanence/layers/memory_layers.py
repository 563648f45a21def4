"""Product keys behind a gate, and one pool of values for several layers.

Source:  "Memory Layers at Scale", Berges, Oğuz, Haziza, Yih, Zettlemoyer, Ghosh 2024 (arXiv 2412.09764), Memory+.
Idea:    what a model knows is stored once and looked up from several depths, each with keys and questions of its own;
         a gate of the token lets a channel of what was found through or not.
Cost:    that of product keys and two more projections, 2 D² a token; values are counted once for all who share them.
Differs: values as wide as the layer; layer normalisation of queries, none of keys. That values learn faster than the
         rest (the paper's 1e-3, whatever the rest has) is for the optimiser to be told.

    y = W (v ⊙ silu(W_g x))     v what product keys find for x

Shapes: B batch, T tokens, D width, N what is written.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.parametric import Delta, ParametricMemory
from remanence.layers.product_keys import ProductKeys

SHUT = 1e-6  # a gate nearer to 0 lets nothing through that could be solved for


class MemoryLayers(ParametricMemory):
    """With `pool`, another such layer, the values are those of that layer: one parameter, in both."""

    def __init__(
        self,
        width: int,
        keys: int = 32,
        heads: int = 2,
        k: int = 8,
        key_width: int | None = None,
        pool: "MemoryLayers | None" = None,
    ) -> None:
        super().__init__(width)
        self.memory = ProductKeys(width, keys, heads, k, key_width)
        self.gate, self.out = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        if pool is not None:
            theirs = (pool.memory.keys, pool.width)
            if theirs != (keys, width):
                raise BadConfig(f"a pool is shared with the same keys and width, got {(keys, width)}, it has {theirs}")
            self.memory.values = pool.memory.values

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out(self.memory(x) * F.silu(self.gate(x)))
        return y

    def lookup(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.memory.lookup(x)

    @torch.no_grad()
    def write(self, x: Tensor, values: Tensor) -> Delta:
        """Solved back through projection and gate, then written as product keys are; x and values [N, D].

        Where a gate is all but shut, that channel stays what it is.
        """
        gate, found = F.silu(self.gate(x)), self.memory(x)
        wanted = values @ torch.linalg.pinv(self.out.weight).mT
        delta = self.memory.write(x, torch.where(gate.abs() > SHUT, wanted / gate, found))
        return Delta({f"memory.{name}": change for name, change in delta.changes.items()})
