"""Which format a file is."""

from pathlib import Path

from remanence import registry
from remanence.errors import BadInput
from remanence.formats.base import Base


def detect(path: Path) -> str:
    """The name of the first format that recognises the file; particular formats are asked before general ones."""
    if not path.exists():
        raise BadInput(f"there is no file {path}")
    formats: dict[str, type[Base]] = {name: registry.load("formats", name) for name in registry.names("formats")}
    for name, format_ in sorted(formats.items(), key=lambda item: item[1].general):
        if format_().recognises(path):
            return name
    known = ", ".join(f"{name} ({' '.join(format_.suffixes)})" for name, format_ in formats.items())
    raise BadInput(f"cannot tell what {path} is; name its format if you know it (--format, format=). Known: {known}")
