"""Texts to vectors, some at a time and checked, and a whole store moved to another vector space."""

import sqlite3
from collections.abc import Callable, Sequence

import numpy as np

from remanence.embed.base import Base as Embedder
from remanence.embed.base import Vectors
from remanence.errors import BadInput
from remanence.store.identity import NEW_EPOCH

AT_ONCE = 256
LARGEST = float(np.finfo(np.float16).max)  # vectors are kept in half precision


def embedded(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """[n, dim]; an embedder that gives another number of rows, another width, or NaN is refused."""
    out = np.empty((len(texts), embedder.dim), dtype=np.float32)
    for start in range(0, len(texts), AT_ONCE):
        some = texts[start : start + AT_ONCE]
        vectors = np.asarray(embedder.embed(some), dtype=np.float32)
        if vectors.shape != (len(some), embedder.dim):
            wanted = (len(some), embedder.dim)
            raise BadInput(f"embedder {embedder.id!r} gave {vectors.shape} numbers for {wanted}; nothing was stored")
        if not (np.abs(vectors) <= LARGEST).all():  # NaN is not either
            raise BadInput(f"embedder {embedder.id!r} gave numbers that are not finite; nothing was stored")
        out[start : start + len(some)] = vectors
    return out


def reembed(db: sqlite3.Connection, embedder: Embedder, progress: Callable[[int, int], None]) -> None:
    """Give every record a vector of this space and note which space it is, inside a transaction."""
    ((total,),) = db.execute("SELECT count(*) FROM record")
    done, last = 0, 0
    sql = "SELECT id, text FROM searched WHERE id > ? ORDER BY id LIMIT ?"
    while some := db.execute(sql, (last, AT_ONCE)).fetchall():
        vectors = embedded(embedder, [text for _, text in some]).astype(np.float16)
        rows = [(row, vector.tobytes()) for (row, _), vector in zip(some, vectors, strict=True)]
        db.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", rows)
        done, last = done + len(some), some[-1][0]
        progress(done, total)
    for key, value in (("embedder", embedder.id), ("dim", str(embedder.dim))):
        db.execute("UPDATE setting SET value = ? WHERE key = ?", (value, key))
    db.execute(NEW_EPOCH)
