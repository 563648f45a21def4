"""What is true of every store at any moment, whatever happened to it before: used by the tests of the store."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from remanence.local import Local
from remanence.store.columns import encode

COLUMNS = """
    SELECT r.id, r.session, coalesce(r.place, 0), r.valid_from, s.scope, r.speaker, r.kind, r.channel, r.length
    FROM record r JOIN session s ON s.id = r.session ORDER BY r.id
"""
NONE_OF = {  # what must find nothing
    "a record without a vector": "SELECT id FROM record WHERE id NOT IN (SELECT id FROM vector)",
    "a vector without a record": "SELECT id FROM vector WHERE id NOT IN (SELECT id FROM record)",
    "a record that cites nothing": "SELECT id FROM record WHERE id NOT IN (SELECT record FROM source)",
    "a source without its record": "SELECT record FROM source WHERE record NOT IN (SELECT id FROM record)",
    "a source without its event": "SELECT record FROM source WHERE event NOT IN (SELECT id FROM event)",
    "a link from nowhere": "SELECT src FROM link WHERE src NOT IN (SELECT id FROM record)",
    "a link to nowhere": "SELECT dst FROM link WHERE dst NOT IN (SELECT id FROM record)",
    "an operation on nothing": "SELECT id FROM op WHERE record IS NOT NULL AND record NOT IN (SELECT id FROM record)",
    "an event of no session": "SELECT id FROM event WHERE session NOT IN (SELECT id FROM session)",
    "a session of no scope": "SELECT id FROM session WHERE scope NOT IN (SELECT id FROM scope)",
    "a turn beyond the count": "SELECT r.id FROM record r JOIN session s ON s.id = r.session WHERE r.place & 4294967295"
    " > s.turns",
    "two turns at one place": "SELECT place FROM record WHERE place IS NOT NULL GROUP BY place HAVING count(*) > 1",
}


def check_file(path: Path) -> None:
    """The tables agree with one another, and the word index with them."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        for what, sql in NONE_OF.items():
            assert db.execute(sql).fetchall() == [], what


def check(memory: Local) -> None:
    """The file is sound, and what this process holds in memory says the same."""
    check_file(memory.store.path)
    memory.status()  # catches up
    with closing(sqlite3.connect(memory.store.path, timeout=30)) as db:
        rows = db.execute(COLUMNS).fetchall()
        blobs = [v for (v,) in db.execute("SELECT v FROM vector ORDER BY id")]
        gone = db.execute("SELECT id FROM record WHERE retired IS NOT NULL OR valid_to IS NOT NULL").fetchall()
    columns, dim = memory.store.view.columns, memory.store.embedder.dim
    assert len(columns) == len(rows)
    names = ("row", "session", "place", "at", "scope", "speaker", "kind", "channel", "length")
    for name, wanted in zip(names, zip(*rows, strict=True), strict=False):
        assert columns.column(name).tolist() == list(wanted), name
    vectors = np.frombuffer(b"".join(blobs), dtype=np.float16).reshape(len(rows), dim).astype(np.float32)
    for name, part in encode(vectors).items():
        assert np.array_equal(columns.column(name), part), name
    assert memory.store.view.closed.rows.tolist() == sorted(row for (row,) in gone)


def everything_is_derived(memory: Local) -> None:
    """Each event is cited by a record whose text is in it; for methods that keep turns."""
    cited = {source.event: record.text for record in memory.records(kinds="turn") for source in record.sources}
    events = {event.id: event.text for event in memory.events()}
    assert cited.keys() == events.keys()
    assert all(cited[id] in text for id, text in events.items())
