"""Several processes that teach one model, as torchrun or `accelerate launch` start them; or the only one there is.

Idea:    every process draws the whole batch and works on its share of the rows; gradients are added up. So the number
         of processes changes the speed and nothing that is learned, up to the order of sums.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Together:
    rank: int = 0
    size: int = 1

    @property
    def speaks(self) -> bool:
        """One of them reports and saves."""
        return self.rank == 0

    def share(self, x: Tensor) -> Tensor:
        """Its rows of a batch."""
        return x[self.rank :: self.size]

    def add_up(self, gradients: Iterable[Tensor | None]) -> None:
        if self.size > 1:
            for gradient in gradients:
                if gradient is not None:
                    dist.all_reduce(gradient)


@contextmanager
def together() -> Iterator[Together]:
    """Join the others, if there are any."""
    if not dist.is_available() or not (dist.is_torchelastic_launched() or dist.is_initialized()):
        yield Together()
        return
    joined = not dist.is_initialized()
    if joined:
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Together(dist.get_rank(), dist.get_world_size())
    finally:
        if joined:
            dist.destroy_process_group()
