"""Named tensors in a file: written piece by piece and put in place whole, mapped when opened.

The format is safetensors, so that other programs can read it: a length, a JSON header, the bytes. It is written here
and not by that package to need no second copy of what is saved, and to begin the data at a page of the machine.
Opened, nothing is read but the header; what is looked at is paged in, and the file is never written to.

Nothing is unpickled. A file that was cut short is refused; flipped bits among the numbers are not noticed.
"""

import contextlib
import errno
import json
import mmap
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from remanence.errors import Corrupt, DiskFull, NewerVersion, ReadOnly

KEY = "remanence"  # of the header's metadata; what is said there is JSON
VERSION = 1
PAGE = 4096  # bytes
PIECE = 1 << 26  # bytes written between two words of progress
DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.bool: "BOOL",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
}  # fmt: skip
KINDS = {name: dtype for dtype, name in DTYPES.items()}
Named = Iterable[tuple[str, Tensor]]
Progress = Callable[[int, int], None]  # bytes done, and of how many


def write(path: Path, tensors: Callable[[], Named], about: dict[str, Any], progress: Progress | None = None) -> None:
    """`tensors` is called twice, for their shapes and for their values, so that one at a time need be in memory."""
    header: dict[str, Any] = {"__metadata__": {KEY: json.dumps({"version": VERSION, **about})}}
    end = 0
    for name, x in tensors():
        start, end = end, end + x.numel() * x.element_size()
        header[name] = {"dtype": DTYPES[x.dtype], "shape": [*x.shape], "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % PAGE)
    with _replacing(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        done = 0
        for _, x in tensors():
            data = raw(x)
            for at in range(0, len(data), PIECE):
                done += file.write(data[at : at + PIECE])
                if progress is not None:
                    progress(done, end)


@dataclass(frozen=True)
class Opened:
    """A file, mapped: what its header says, and its tensors with the place of their bytes."""

    about: dict[str, Any]
    tensors: dict[str, Tensor]
    places: dict[str, tuple[int, int]]
    mapped: mmap.mmap

    def sparse(self, names: Iterable[str]) -> None:
        """Of these tensors only what is looked at will be wanted, not what stands beside it."""
        if not hasattr(mmap, "MADV_RANDOM"):
            return
        for start, end in (self.places[name] for name in names):
            first = -(-start // PAGE) * PAGE
            if end > first:
                self.mapped.madvise(mmap.MADV_RANDOM, first, end - first)


def read(path: Path) -> Opened:
    """Nothing is read but the header."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= size - 8:
            raise Corrupt(f"{path} is damaged, or is not a memory that was saved here: it has no header")
        text = file.read(length)
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # what is written to it stays in this process
    try:
        header = json.loads(text)
        about = json.loads(header.pop("__metadata__")[KEY])
        version = int(about["version"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Corrupt(f"{path} is damaged, or is not a memory that was saved here ({error!r})") from error
    if version > VERSION:
        raise NewerVersion(f"{path} has format {version}, this version reads up to {VERSION}; update remanence")
    try:
        places = {name: _place(8 + length, size, **said) for name, said in header.items()}
        tensors = {name: _tensor(mapped, places[name], said) for name, said in header.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"{path} is damaged: it does not hold the tensors that it lists ({error})") from error
    return Opened(about, tensors, places, mapped)


def _place(first: int, size: int, dtype: str, shape: list[int], data_offsets: list[int]) -> tuple[int, int]:
    """From which byte of the file to which."""
    start, end = data_offsets
    n = torch.Size(shape).numel() * KINDS[dtype].itemsize
    if not 0 <= start <= end <= size - first or end - start != n or min(shape, default=0) < 0:
        raise ValueError(f"{shape} of {dtype} at {start} to {end}")
    return first + start, first + end


def _tensor(mapped: mmap.mmap, place: tuple[int, int], said: dict[str, Any]) -> Tensor:
    kind, shape = KINDS[said["dtype"]], said["shape"]
    if place[0] == place[1]:
        return torch.empty(shape, dtype=kind)
    n = torch.Size(shape).numel()
    return torch.frombuffer(mapped, dtype=kind, count=n, offset=place[0]).view(shape)


def raw(x: Tensor) -> memoryview:
    """A tensor's bytes."""
    return x.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside the path that takes its place when all went well, and is gone otherwise."""
    with speaking_plainly(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                if hasattr(os, "posix_fadvise"):  # pages that were written together would be mapped together
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def speaking_plainly(path: Path) -> Iterator[None]:
    """Turn what the system says of writing into our errors."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(f"{path}: the disk is full; nothing of this write was kept") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ReadOnly(f"{path}: it cannot be written to; check its folder's permissions") from error
        raise


def reserve(file: Any, n: int) -> None:
    """Make a file n bytes long and see that the disk has them: a mapping that finds it full ends the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, n)
    else:
        file.truncate(n)
