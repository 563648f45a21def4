"""What a file is, in its table `setting`: `store` its random name, `embedder` and `dim` its vector space, `method` who
derived the records, and `epoch`, a random word, another one whenever everything known must be looked at again.
"""

import sqlite3
from pathlib import Path
from uuid import uuid4

from remanence.embed.base import Base as Embedder
from remanence.errors import StoreError

NEW_EPOCH = "UPDATE setting SET value = lower(hex(randomblob(8))) WHERE key = 'epoch'"


def is_noted(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM setting").fetchone() is not None


def note(db: sqlite3.Connection, embedder: Embedder) -> None:
    """Inside a transaction: what a new file is. One that another process noted meanwhile stays what it is."""
    said = {"store": uuid4().hex, "embedder": embedder.id, "dim": str(embedder.dim), "epoch": "", "method": ""}
    db.executemany("INSERT OR IGNORE INTO setting VALUES (?, ?)", said.items())


def check_space(db: sqlite3.Connection, embedder: Embedder, path: Path) -> None:
    """Vectors of another space would say nothing here, and would not fit."""
    ((held,),) = db.execute("SELECT value FROM setting WHERE key = 'embedder'")
    if held != embedder.id:
        raise StoreError(f"{path} was embedded anew with {held!r} by another process; open it again")
