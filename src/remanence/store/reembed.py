"""Texts to vectors, some at a time and checked, and a whole store moved to another vector space."""

import sqlite3
from collections.abc import Callable, Sequence

import numpy as np

from remanence.embed.base import Base as Embedder
from remanence.embed.base import Vectors
from remanence.errors import BadInput

AT_ONCE = 256


def embedded(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """[n, dim]; an embedder that gives another number of rows, another width, or NaN is refused."""
    parts = [embedder.embed(texts[i : i + AT_ONCE]) for i in range(0, len(texts), AT_ONCE)]
    vectors = np.concatenate([np.empty((0, embedder.dim), dtype=np.float32), *parts])
    if len(vectors) != len(texts):
        raise BadInput(
            f"embedder {embedder.id!r} gave {len(vectors)} vectors for {len(texts)} texts; nothing was stored"
        )
    if not np.isfinite(vectors).all():
        raise BadInput(f"embedder {embedder.id!r} gave numbers that are not finite; nothing was stored")
    return vectors


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
    db.execute("UPDATE setting SET value = value + 1 WHERE key = 'epoch'")
