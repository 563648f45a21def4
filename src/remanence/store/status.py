"""Counts, bytes and identities of a store, for people to look at."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from remanence.store.schema import VERSION


def status(db: sqlite3.Connection, path: Path, columns: Path, settings: Mapping[str, str]) -> dict[str, int | str]:
    events, pending, records, operations = (
        int(db.execute(f"SELECT count(*) FROM {what}").fetchone()[0])
        for what in ("event", "event WHERE pending IS NOT NULL", "record", "op")
    )
    return {
        "path": str(path),
        "format": VERSION,
        "events": events,
        "pending": pending,
        "records": records,
        "operations": operations,
        "bytes": sum(map(size, (path, path.with_name(path.name + "-wal"), columns))),
        "embedder": settings["embedder"],
        "dim": int(settings["dim"]),
        "method": settings["method"],
    }


def size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder; 0 when it is not there (any more)."""
    try:
        return sum(map(size, path.iterdir())) if path.is_dir() else path.stat().st_size
    except FileNotFoundError:
        return 0
