"""The past in files that are mapped: what is read is paged in, the rest need not be in memory.

Idea:    attention that reads a few blocks of a long past touches a few pages of it, so the past may be greater than the
         memory of the machine; the system writes out what is not looked at. Put it around any policy.
Cost:    a read of a page from the disk where it is not cached; a buffer that doubles is copied on the disk.
Differs: the files have no names where the system allows it, so nothing is left of them, whatever happens. To keep
         a memory, `cache.save` it.
"""

import mmap
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from remanence.cache.base import KeysOrValues
from remanence.cache.parts.disk import reserve, speaking_plainly
from remanence.cache.parts.tokens import Tokens
from remanence.cache.parts.wrapper import Wrapper
from remanence.errors import BadConfig


@dataclass
class OnDisk(Wrapper):
    folder: str | None = None  # None: where the system puts temporary files; mind that this may be memory itself

    def store(self, like: Tensor, what: KeysOrValues) -> Tokens:
        if like.device.type != "cpu":
            raise BadConfig(f"OnDisk maps files into the memory of a CPU, and the model is on {like.device}")
        store = self.policy.store(like, what)
        store.place(self._mapped)
        return store

    def _mapped(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Memory that is a file; the tensor holds the mapping, the mapping the file."""
        n = like.element_size() * torch.Size(shape).numel()
        if not n:
            return like.new_empty(shape)
        folder = Path(tempfile.gettempdir() if self.folder is None else self.folder)
        with speaking_plainly(folder), tempfile.TemporaryFile(dir=folder, prefix="remanence-") as file:
            reserve(file, n)
            return torch.frombuffer(mmap.mmap(file.fileno(), n), dtype=like.dtype).view(shape)
