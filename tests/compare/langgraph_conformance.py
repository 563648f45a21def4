"""LangGraph's own tests of its stores, run on ours.

    make test-integrations            # makes .venv-integrations, and runs this and the other suites
    .venv-integrations/bin/python tests/compare/langgraph_conformance.py

Two suites: that of the store in memory, and that of the store in SQLite with its tests of the time to live. The
embedder of a test is handed to our memory, which ranks by vectors alone, as theirs do.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import langgraph.store.memory
import langgraph.store.sqlite
import sdist_tests
from langgraph.store.base import ensure_embeddings

import remanence
from remanence.integrations.langchain import Embedding
from remanence.integrations.langgraph import RemanenceStore

SUITES = {
    "langgraph-checkpoint==4.3.2": ("tests/test_store.py",),
    "langgraph-checkpoint-sqlite==3.1.2": ("tests/test_store.py", "tests/test_ttl.py"),
}
EXCEPTED = {
    "langgraph-checkpoint==4.3.2": {
        "test_embed_with_path": "wants likeness to five digits, of vectors that we keep in half precision",
    },
    "langgraph-checkpoint-sqlite==3.1.2": {
        "test_vector_store_initialization": "looks for SQLite's own tables",
        "test_nonnull_migrations": "reads the list of SQLite's own migrations",
        "test_sql_injection_vulnerability": "wants an odd filter key refused; here no key is SQL, and it meets nothing",
        "test_ttl_override_default": "wants an item gone four seconds after a read prolonged it by five",
    },
}


class Stand(RemanenceStore):
    """Ours, made as theirs are."""

    def __init__(self, *, index: Any = None, ttl: Any = None, path: str = ":memory:"):
        self.index_config, self.embeddings = index, ensure_embeddings(index["embed"]) if index else None
        embed = Embedding(self.embeddings, "given") if self.embeddings else "hashing"
        fields = index and (index.get("fields") or index.get("text_fields"))
        super().__init__(remanence.open(path, embed=embed, method="dense"), fields=fields, ttl=ttl)

    @classmethod
    @contextmanager
    def from_conn_string(cls, path: str, *, index: Any = None, ttl: Any = None) -> Iterator[Self]:
        with tempfile.TemporaryDirectory() as folder:
            store = cls(index=index, ttl=ttl, path=path if path == ":memory:" else str(Path(folder) / "memory.db"))
            with store.shelf.journal.memory:
                yield store

    def setup(self) -> None:
        """There is nothing to set up."""

    def start_ttl_sweeper(self) -> None:
        """There is nothing to start: what is over is not shown, swept or not."""

    stop_ttl_sweeper = start_ttl_sweeper


def pytest_configure() -> None:
    langgraph.store.memory.InMemoryStore = Stand  # type: ignore[misc]
    langgraph.store.sqlite.SqliteStore = Stand  # type: ignore[misc]


def pytest_collection_modifyitems(items: list[Any]) -> None:
    items[:] = [item for item in items if "ttl" not in item.name or "async" not in item.name]  # of AsyncSqliteStore


if __name__ == "__main__":
    ran = [sdist_tests.conforms(name, files, Path(__file__).stem, EXCEPTED[name]) for name, files in SUITES.items()]
    sys.exit(not all(ran))
