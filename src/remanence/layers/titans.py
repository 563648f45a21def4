"""A memory that learns at test time what surprises it: momentum carries a surprise on, decay lets go.

Source:  "Titans: Learning to Memorize at Test Time", Behrouz, Zhong, Mirrokni 2024 (arXiv 2501.00663).
Idea:    the gradient of how badly the memory recalls a token says how surprising it is; descent with momentum writes
         it and what follows it, weight decay forgets what is not needed. The long-term memory of all three variants.
Cost:    O(T) steps on |W| weights a head; a chunk of a `linear` memory is a few matrix products.
Differs: gates are of the token, not of the chunk; heads as the other cells have them.

    S_t = η_t S_{t-1} - θ_t ∇ℓ(M_c; k_t, v_t)     M_t = (1 - α_t) M_{t-1} + S_t     y_t = M_t(q_t)
    ℓ = |M(k) - v|² / 2, and M_c the memory at the start of the chunk
"""

from remanence.layers.parts.associative import AssociativeCell, Choices
from remanence.layers.parts.inner_loss import L2
from remanence.layers.parts.inner_memory import MLP, RATE, Matrix
from remanence.layers.parts.inner_rule import Descent


class Titans(AssociativeCell):
    """`expansion` 0 is a linear memory; otherwise an MLP with so many times the width between."""

    def __init__(self, width: int, heads: int = 1, expansion: int = 0, grad_chunk: int = 16, conv: int = 4) -> None:
        memory, rate = (MLP(expansion), RATE) if expansion else (Matrix(), 1.0)
        super().__init__(width, Choices(memory, L2(), Descent(), grad_chunk, rate=rate), heads, conv)
