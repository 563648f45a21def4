"""What several tests of layers ask of a cell."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch


@contextmanager
def exactly() -> Iterator[None]:
    """Double precision, one thread, and the same numbers drawn every time."""
    before, threads = torch.get_default_dtype(), torch.get_num_threads()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)
    torch.set_num_threads(threads)


def last_changed_by_first(cell: torch.nn.Module) -> float:
    """How much another first token of forty changes what is answered to the last."""
    torch.manual_seed(0)
    x = torch.randn(1, 40, 4)
    other = x.clone()
    other[:, 0] = torch.randn(4)
    return float((cell(x)[0] - cell(other)[0])[:, -1].detach().abs().max())


def told(cell: Any) -> Any:
    """A Titans memory whose weights are those left by the persistent tokens, and which is new in everything else."""
    _, state = cell.memory(cell.persistent[None])
    return replace(cell.memory.init_state(1), u=state.u, start=state.u)
