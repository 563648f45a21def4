"""The OpenAI Agents SDK's own tests of sessions, run on ours.

    make test-integrations            # makes .venv-integrations, and runs this and the other suites
    .venv-integrations/bin/python tests/compare/openai_agents_conformance.py

They are written for the SDK's session in SQLite; those that take its connections and tables apart are excepted.
"""

import sys
from pathlib import Path
from typing import Any

import agents
import sdist_tests

import remanence
from remanence.integrations.openai_agents import RemanenceSession

PACKAGE = "openai-agents==0.24.0"
FILES = ("tests/memory/test_session.py", "tests/memory/test_session_limit.py")
CONNECTIONS = "counts and closes SQLite's connections by hand"
ROWS = "writes a broken row into SQLite's own table"
LOCKS = "makes SQLite's own connection or lock fail"
EXCEPTED = {
    "test_sqlite_session_close_closes_worker_thread_connections": CONNECTIONS,
    "test_sqlite_session_reaps_connections_from_exited_worker_threads": CONNECTIONS,
    "test_sqlite_session_closes_retired_connections_before_the_next_allocation": CONNECTIONS,
    "test_sqlite_session_keeps_connections_of_live_worker_threads": CONNECTIONS,
    "test_sqlite_session_close_retries_quarantined_connection": CONNECTIONS,
    "test_sqlite_session_pop_item_skips_corrupt_most_recent": ROWS,
    "test_sqlite_session_pop_item_returns_none_after_dropping_only_corrupt_rows": ROWS,
    "test_sqlite_session_get_items_limit_skips_corrupt_newest_rows": ROWS,
    "test_sqlite_session_get_items_session_settings_limit_skips_corrupt_rows": ROWS,
    "test_sqlite_session_file_lock_is_shared_across_instances": LOCKS,
    "test_sqlite_session_failed_add_items_releases_write_lock": LOCKS,
    "test_sqlite_session_failed_clear_session_rolls_back": LOCKS,
    "test_sqlite_session_failed_pop_item_releases_write_lock": LOCKS,
    "test_sqlite_session_rollback_failure_evicts_connection": LOCKS,
    "test_sqlite_session_post_commit_cancellation_propagates_after_known_outcome": LOCKS,
    "test_sqlite_session_closed_rejects_empty_add_items": "wants the words 'SQLiteSession is closed'",
}


class Stand(RemanenceSession):
    """Ours, made as theirs is."""

    def __init__(self, session_id: str, path: str | Path = ":memory:", *, session_settings: Any = None):
        super().__init__(session_id, remanence.open(path, embed="hashing"), session_settings=session_settings)

    def close(self) -> None:
        self.journal.memory.close()


def pytest_configure() -> None:
    agents.SQLiteSession = Stand  # type: ignore[assignment,misc]


if __name__ == "__main__":
    sys.exit(not sdist_tests.conforms(PACKAGE, FILES, Path(__file__).stem, EXCEPTED))
