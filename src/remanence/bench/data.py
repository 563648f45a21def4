"""Finding the data of a task, and making sure that it is the data the numbers are about."""

import hashlib
from pathlib import Path

from remanence.errors import BadConfig


def find(folder: str, name: str, sha256: str, source: str) -> Path:
    """The file of this name and content under a folder, or the file itself when that is what was given.

    An empty `sha256` takes any content.
    """
    root = Path(folder)
    found = [root] if root.is_file() else sorted(root.rglob(name))
    for path in found:
        if not sha256 or hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return path
    if not found:
        raise BadConfig(f"no {name} under {root.absolute()}; it comes from {source}; say where it is with data=...")
    raise BadConfig(
        f"{found[0]} is not the {name} these numbers are about: its sha256 is not {sha256}; take it from {source}"
    )
