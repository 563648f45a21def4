"""How well a cut parts a run of tokens in two: modularity and conductance of the graph of their keys, for every cut.

The graph joins tokens i and j by A_ij = k_i · k_j. With c the sum of the keys before a cut and C that of all, the edges
inside the first part are c · c, its degrees c · C, and all edges C · C; the rest follows. So A is never made.

    modularity   1/2m Σ_ij (A_ij - d_i d_j / 2m) δ(part of i, part of j)     the greater, the better
    conductance  Σ_{i∈S, j∉S} A_ij / min(vol S, vol rest)                    the smaller, the better
    with degrees d_i = Σ_j A_ij, 2m = Σ_i d_i, and vol S = Σ_{i∈S} d_i

Cost:    O(T D) for all cuts of T tokens; from the definition it is O(T^3).

Shapes: T tokens, D width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

TINY = torch.finfo(torch.float64).tiny
PIECE = 256  # of the width at a time: the sums of more do not stay in a core's cache, and take up to four times as long


def modularity(keys: Tensor) -> Tensor:
    """[T + 1] for keys [T, D]: of the cut before each token, and of that after the last."""
    inside, degrees, volume = _sums(keys)
    between = degrees - inside
    share = degrees / volume
    return (volume - 2 * between) / volume - share**2 - (1 - share) ** 2


def conductance(keys: Tensor) -> Tensor:
    """[T + 1] for keys [T, D]; infinite where a part has no volume."""
    inside, degrees, volume = _sums(keys)
    least = torch.minimum(degrees, volume - degrees)
    return torch.where(least > 0, (degrees - inside) / least.clamp(min=TINY), torch.inf)


def _sums(keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """c · c and c · C of every cut [T + 1], and C · C."""
    inside, degrees = F.pad(torch.stack([_products(piece) for piece in keys.split(PIECE, 1)]).sum(0), (1, 0))
    return inside, degrees, degrees[-1].clamp(min=TINY)


def _products(keys: Tensor) -> Tensor:
    c = keys.T.cumsum(1, dtype=torch.float64)  # [D, T]: sums along what lies together are twice as fast
    return torch.stack([torch.linalg.vecdot(c, c, dim=0), c[:, -1] @ c])
