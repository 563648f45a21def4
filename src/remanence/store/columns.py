"""What is known of every record without reading it: a folder of flat, append-only, memory-mapped columns.

Source:  sign bits as a shortlist and int8 codes to rescore it, as in Yamada, Asai, Hajishirzi 2021 (arXiv 2106.00882).
Idea:    a scan over 48 bytes a record (384 dimensions) finds the few hundred worth looking at more closely.
Cost:    about 12 ms a million records to scan, one thread; 50 + dim + dim/8 bytes a record on disk.

The folder follows the SQLite file and can be thrown away at any time. Rows that are not in it yet wait in memory.
Whoever appends holds the SQLite file's write lock, so there is one at a time. What a reader may have mapped is never
shortened: another identity is another folder. The head names the last record that is there, so that columns of another
past (a backup was put back) are known for what they are.
"""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIXED = {  # name: type of one entry
    "row": np.int64,
    "session": np.int32,
    "place": np.int64,
    "at": np.int64,
    "scope": np.int32,
    "speaker": np.int32,
    "kind": np.int32,
    "channel": np.int32,
    "length": np.int32,
    "scale": np.float32,
}
BLOCK = 8192  # rows scanned at once: they fit the processor's cache
Part = dict[str, NDArray[Any]]


def encode(vectors: NDArray[np.float32]) -> Part:
    """The columns `bits`, `codes` and `scale` of some vectors: code * scale is about the vector."""
    scale = np.abs(vectors).max(axis=1, initial=0.0).astype(np.float32) / 127
    codes = np.rint(vectors / np.where(scale > 0, scale, 1)[:, None]).astype(np.int8)
    return {"bits": sign_bits(vectors), "codes": codes, "scale": scale}


def sign_bits(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    """[n, ceil(dim / 64)] words; bit set where the value is positive."""
    packed = np.packbits(vectors > 0, axis=1)
    return np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8))).view(np.uint64)


@dataclass(frozen=True, slots=True)
class Head:
    """How many rows the files hold, the last of them, and which record that is and when it came in."""

    rows: int
    last: int
    origin: str


class ColumnFile:
    """Rows in two parts: `file`, mapped from disk, and `tail`, in memory, both sorted by row."""

    def __init__(self, home: Path, identity: str, dim: int):
        self.folder, self.dim = home / identity, dim
        self.types: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
            **{name: (np.dtype(kind), ()) for name, kind in FIXED.items()},
            "bits": (np.dtype(np.uint64), (-(-dim // 64),)),
            "codes": (np.dtype(np.int8), (dim,)),
        }
        self.tail, self.file = self._empty(), self._empty()

    def __len__(self) -> int:
        return len(self.file["row"]) + len(self.tail["row"])

    @property
    def last(self) -> int:
        """The highest row held, 0 when there is none."""
        return max((int(part["row"][-1]) for part in self.parts()), default=0)

    def parts(self) -> Iterator[Part]:
        return (part for part in (self.file, self.tail) if len(part["row"]))

    def column(self, name: str) -> NDArray[Any]:
        """One whole column, copied only when there is a tail."""
        whole = [part[name] for part in self.parts()]
        return whole[0] if len(whole) == 1 else np.concatenate([self.file[name], self.tail[name]])

    def take(self, name: str, positions: NDArray[np.intp]) -> NDArray[Any]:
        """Entries of a column at these positions (file first, tail after)."""
        split = len(self.file["row"])
        if not len(self):  # all of them were erased meanwhile
            return np.zeros((len(positions), *self.types[name][1]), dtype=self.types[name][0])
        if not len(self.tail["row"]):
            return self.file[name][positions]
        out = np.empty((len(positions), *self.types[name][1]), dtype=self.types[name][0])
        late = positions >= split
        out[~late] = self.file[name][positions[~late]]
        out[late] = self.tail[name][positions[late] - split]
        return out

    def positions(self, rows: NDArray[np.int64]) -> NDArray[np.intp]:
        """Where these rows stand; -1 for a row that is not held."""
        out = np.full(len(rows), -1, dtype=np.intp)
        offset = 0
        for part in (self.file, self.tail):
            held = part["row"]
            if len(held):
                at = np.searchsorted(held, rows)
                found = held[np.minimum(at, len(held) - 1)] == rows
                out[found] = at[found] + offset
            offset += len(held)
        return out

    def hamming(self, bits: NDArray[np.uint64]) -> NDArray[np.uint16]:
        """How many sign bits of every row differ from these."""
        out = np.empty(len(self), dtype=np.uint16)
        offset = 0
        for part in self.parts():
            signs = part["bits"]
            for start in range(0, len(signs), BLOCK):
                counts = np.bitwise_count(signs[start : start + BLOCK] ^ bits)
                sums = out[offset + start : offset + start + len(counts)]
                sums[:] = counts[:, 0]
                for word in range(1, counts.shape[1]):  # a sum over a short axis is slow; this is not
                    sums += counts[:, word]
            offset += len(signs)
        return out

    def cosine(self, vector: NDArray[np.float32], positions: NDArray[np.intp]) -> NDArray[np.float32]:
        """About the cosine of a unit vector with the rows at these positions (within half a percent)."""
        codes = self.take("codes", positions).astype(np.float32)
        # not @: waiting for BLAS's threads costs more than the product where other programs want the cores
        scores: NDArray[np.float32] = np.vecdot(codes, vector) * self.take("scale", positions)
        return scores

    def grow(self, rows: Part) -> None:
        """Add rows, all higher than `last`, to the tail."""
        self.tail = {name: np.concatenate([self.tail[name], rows[name]]) for name in self.types}

    def flush(self, origin: str, *, append: bool) -> None:
        """Append the tail to the files, or write everything anew; `origin` is that of the last row.

        The caller holds the write lock and knows whether the files end where `file` does.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        head = Head(len(self), self.last, origin)
        for name, (kind, shape) in self.types.items():
            path = self.folder / f"{name}.bin"
            if not append:
                path.unlink(missing_ok=True)  # never shorten a file that another process may have mapped
            with path.open("r+b" if append else "wb") as out:
                if append:  # what a crash left half written goes
                    out.truncate(len(self.file["row"]) * kind.itemsize * int(np.prod(shape, dtype=int)))
                out.seek(0, os.SEEK_END)
                out.write(np.ascontiguousarray(self.tail[name] if append else self.column(name)).data)
        new = self._head_path.with_suffix(".new")
        new.write_text(json.dumps(asdict(head)))
        new.replace(self._head_path)
        end = self.tail if len(self.tail["row"]) else self.file
        self.remap(head, {name: column[-1:] for name, column in end.items()})

    def head(self) -> Head | None:
        """What the files hold by now, other processes' rows included; None when there is nothing that can be used."""
        try:
            said = json.loads(self._head_path.read_text())
            return Head(int(said["rows"]), int(said["last"]), str(said["origin"]))
        except (OSError, KeyError, TypeError, ValueError):  # absent or unreadable: it can be rebuilt at any time
            return None

    def remap(self, head: Head, last: Part) -> bool:
        """Take in what the files hold, and drop the tail rows that are there; `last` is what their last row must be.

        A power cut may leave a file shorter than the head says, or zeros at its end: then nothing is taken in.
        """
        try:
            file: Part = {
                name: np.memmap(self.folder / f"{name}.bin", dtype=kind, mode="r", shape=(head.rows, *shape))
                for name, (kind, shape) in self.types.items()
            }
        except (OSError, ValueError, OverflowError):  # a column is missing or shorter than the head says
            return False
        if any(not np.array_equal(column[-1:], last[name]) for name, column in file.items()):
            return False
        fresh = self.tail["row"] > head.last
        self.file = file
        self.tail = {name: column[fresh] for name, column in self.tail.items()}
        return True

    def remove_others(self) -> list[Path]:
        """Delete the folders of what this memory was before: another embedder, or before an erasure. What remains."""
        others = [old for old in self.folder.parent.glob("*") if old != self.folder]
        for old in others:
            shutil.rmtree(old, ignore_errors=True)  # another process may be removing it too
        return [old for old in others if old.exists()]

    @property
    def _head_path(self) -> Path:
        return self.folder / "head.json"

    def _empty(self) -> Part:
        return {name: np.empty((0, *shape), dtype=kind) for name, (kind, shape) in self.types.items()}
