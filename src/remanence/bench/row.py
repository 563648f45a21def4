"""One result: a task, a memory, what it scored, what it cost, and all it takes to run it again."""

import hashlib
import json
import platform
import sqlite3
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import remanence
from remanence.bench.average import Average
from remanence.bench.clock import Timing

SCHEMA = 1
CROSS = " × "  # between two tags whose probes are averaged together, and between their values
HERE = Path(remanence.__file__).parent


@dataclass(frozen=True)
class Cost:
    """`bytes` are what is kept at the end, over all worlds; `tokens` what the first ten texts found take in a prompt,
    on average and at four characters a token. `write` is per event, `read` and `ask` per question, `advance` per step.
    """

    seconds: float
    bytes: int = 0
    bytes_per_event: float = 0.0
    tokens: float = 0.0
    lm_calls: int = 0
    lm_tokens: int = 0
    write: Timing | None = None
    read: Timing | None = None
    ask: Timing | None = None
    advance: Timing | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """`groups` are the same averages over the probes of one tag: groups["category"]["temporal"]["recall@10"]."""

    form: str
    task: str
    memory: str
    status: Literal["done", "failed"]
    seed: int
    limit: int | None
    worlds: int
    probes: int
    events: int
    scores: Mapping[str, Average]
    groups: Mapping[str, Mapping[str, Mapping[str, Average]]]
    cost: Cost
    task_settings: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    embedder: str = ""
    lm: str = ""
    error: str = ""
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    schema: int = SCHEMA

    def json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)


def versions() -> dict[str, str]:
    """Of what any number here depends on. `code` tells changed files apart, which `commit` only says were changed."""
    import numpy

    return {
        "remanence": remanence.__version__,
        "code": code(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "sqlite": sqlite3.sqlite_version,
        "platform": f"{platform.system()} {platform.machine()}",
    }


def code() -> str:
    """A fingerprint of the package's own files."""
    files = sorted(file for kind in ("*.py", "*.toml") for file in HERE.rglob(kind))
    said = hashlib.sha256()
    for file in files:
        said.update(file.relative_to(HERE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return said.hexdigest()[:12]


def commit() -> str:
    """The commit this code is of, with "-dirty" when it was changed; "" when it is not in a checkout of its own."""
    if not _git("ls-files", "--error-unmatch", "__init__.py"):
        return ""
    return _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _git(*words: str) -> str:
    try:
        ran = subprocess.run(["git", "-C", str(HERE), *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""
