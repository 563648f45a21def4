"""What a store finds: exactly what the slow way finds, for every filter."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from remanence.embed.base import Base as Embedder
from remanence.embed.hashing import Hashing
from remanence.errors import BadInput
from remanence.records import Event, Filter, Op, Record, Scope, Source, add, utc
from remanence.store import search, view
from remanence.store.sqlite import SQLite
from remanence.text.parts.segment import turns

START = utc("2024-05-01")
DAY = timedelta(days=1)
TOPICS = "garden violin tax olive bicycle train letter fence lesson night".split()  # noqa: SIM905


def events(n: int = 240) -> list[Event]:
    chance = np.random.default_rng(3)
    return [
        Event(
            f"Number {i} speaks of {' and '.join(chance.choice(TOPICS, size=chance.integers(1, 6)))}.",
            START + i * DAY / 4,
            speaker=("Ana", "Ben", "")[i % 3],
            session=f"day {i // 20}",
            scope=Scope(
                ("ana", "ben", "")[i // 7 % 3], ("", "helper")[i % 2], ("", "r1")[i // 3 % 2], "app" * (i % 5 > 2)
            ),
            channel=("user", "assistant", "tool", "import")[i // 2 % 4],
            meta={"topic": i % 4, "list": [i % 2]} if i % 3 else {},
        )
        for i in range(n)
    ]


def kept(path: Path, what: list[Event], embedder: Embedder | None = None) -> SQLite:
    store = SQLite(path, embedder or Hashing())
    store.apply(turns(what), events=what, by="test")
    return store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SQLite]:
    """240 turns, part of them in the column files, some superseded, expired, merged, or good for a time only."""
    patch = pytest.MonkeyPatch()
    patch.setattr(view, "TAIL", 100)
    made = kept(tmp_path_factory.mktemp("store") / "m.db", events()[:150])
    made.status()
    made.apply(turns(events()[150:]), events=events()[150:])
    ids = [record.id for record in made.records(Filter())]
    far = utc("2999-01-01")
    made.apply([Op("supersede", ids[i], ids[i + 1], at=START + (i + 30) * DAY / 4) for i in range(0, 60, 6)])
    made.apply([Op("supersede", ids[i], ids[i + 1], at=far) for i in range(61, 80, 6)])
    made.apply([Op("expire", ids[i]) for i in range(2, 90, 11)] + [Op("merge", ids[100], ids[101])])
    for_a_time = [
        Record("fact", f"A fact of {t} for a time.", START, (Source(events()[5].id, 0, 6),), valid_to=START + 9 * DAY)
        for t in TOPICS
    ]
    lasting = Record("fact", "A garden fact.", START, (Source(events()[8].id, 0, 6),), meta={"topic": 9})
    made.apply([add(record) for record in (*for_a_time, lasting)])
    yield made
    patch.undo()
    made.close()


def slow(record: Record, said: dict[str, Event], allowed: Filter, retired: set[str]) -> bool:
    """Whether a filter lets a record through, written down from the filter's own words."""
    moment = allowed.as_of or utc("2026-01-01")
    cited = [said[source.event] for source in record.sources]
    entries = [record.meta, *(event.meta for event in cited)]
    return (
        record.id not in retired
        and all(getattr(allowed, f) in ("", getattr(record.scope, f)) for f in ("user", "agent", "run", "app"))
        and (not allowed.kinds or record.kind in allowed.kinds)
        and (not allowed.speakers or record.speaker in allowed.speakers)
        and (not allowed.sessions or record.session in allowed.sessions)
        and (not allowed.channels or cited[0].channel in allowed.channels)
        and (allowed.between is None or allowed.between[0] <= record.valid_from < allowed.between[1])
        and (allowed.as_of is None or record.valid_from <= moment)
        and (record.valid_to is None or record.valid_to > moment)
        and (not allowed.meta or any(dict(allowed.meta).items() <= dict(meta).items() for meta in entries))
    )


SCOPES = [{"user": u, "agent": a, "run": r} for u, a, r in product(("", "ana", "x"), ("", "helper"), ("", "r1"))]
FILTERS = [
    *(Filter(**scope) for scope in SCOPES),
    Filter(app="app"),
    Filter(user="ana", app="app", run="r1", agent="helper"),
    Filter(kinds=("fact",)),
    Filter(kinds=("turn", "fact")),
    Filter(kinds=("thought",)),
    Filter(speakers=("Ana",)),
    Filter(speakers=("Ben", ""), user="ben"),
    Filter(speakers=("Nobody",)),
    Filter(sessions=("day 3", "day 7")),
    Filter(sessions=("day 99",)),
    Filter(channels=("tool",)),
    Filter(channels=("user", "import"), kinds=("turn",)),
    Filter(between=(START + DAY, START + 3 * DAY)),
    Filter(between=(START, START + DAY / 4)),
    Filter(as_of=START + 5 * DAY),
    Filter(as_of=START + 20 * DAY, user="ana"),
    Filter(as_of=START - DAY),
    Filter(as_of=utc("2998-12-31")),
    Filter(as_of=utc("2999-01-01")),
    Filter(meta={"topic": 2}),
    Filter(meta={"topic": 9}),
    Filter(meta={"list": [1]}, user="ana"),
    Filter(meta={"topic": 2, "list": [1]}),
    Filter(meta={"absent": None}),
    Filter(user="ana", between=(START, START + 40 * DAY), channels=("user", "tool"), as_of=START + 39 * DAY),
]


def brief(allowed: Filter) -> str:
    said = [f"{f.name}={getattr(allowed, f.name)}" for f in fields(Filter) if getattr(allowed, f.name) != f.default]
    return " ".join(word for word in said if word != "meta={}").replace("+00:00", "") or "all"


EACH = pytest.mark.parametrize("allowed", FILTERS, ids=brief)


@pytest.fixture(scope="module")
def everything(store: SQLite) -> tuple[dict[int, Record], dict[str, Event], set[str]]:
    rows = np.arange(1, store.status()["operations"] + 1)
    retired = {op.record for op in store.ops() if op.kind in ("expire", "merge")}
    return store.read(rows.tolist()), {event.id: event for event in events()}, retired


@pytest.fixture
def right(allowed: Filter, everything: tuple[dict[int, Record], dict[str, Event], set[str]]) -> set[int]:
    records, said, retired = everything
    return {row for row, record in records.items() if slow(record, said, allowed, retired)}


@EACH
def test_a_filter_lets_through_what_it_says(store: SQLite, allowed: Filter, right: set[int]) -> None:
    rows = np.arange(0, store.view.columns.last + 3)
    assert set(rows[store.allowed(rows, allowed)].tolist()) == right
    assert store.rows_of([record.id for record in store.records(allowed)]).tolist() == sorted(right)


@EACH
def test_the_newest_are_the_newest_allowed(store: SQLite, allowed: Filter, right: set[int]) -> None:
    at = {row: record.valid_from for row, record in store.read(right).items()}
    assert store.newest(allowed, 7).rows.tolist() == sorted(right, key=lambda row: (at[row], row), reverse=True)[:7]


@EACH
@pytest.mark.parametrize("n", [3, 300])
@pytest.mark.parametrize(
    "words", [["garden"], ["violins", "Taxes", "NEAR(", '"'], ["absent"], ["number", "fact"]], ids=str
)
@pytest.mark.parametrize("many", [50, 0], ids=["by tags", "looking at each"])
def test_words_find_the_full_ranking_without_what_is_not_allowed(
    store: SQLite,
    allowed: Filter,
    right: set[int],
    n: int,
    words: list[str],
    many: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The scores are those of the whole store: a filter hides records, it does not change what a word is worth."""
    monkeypatch.setattr(search, "MANY_TAGS", many)
    match = " OR ".join('"' + word.replace('"', '""') + '"' for word in words)
    sql = "SELECT rowid, -bm25(words, 1, 0) FROM words WHERE words MATCH ? ORDER BY 2 DESC, 1"
    full = store.reader.execute(sql, (f"text : ({match})",)).fetchall()
    wanted = [(row, score) for row, score in full if row in right][:n]
    found = store.find_words(words, allowed, n)
    assert found.rows.tolist() == [row for row, _ in wanted]
    assert found.scores == pytest.approx([score for _, score in wanted], rel=1e-5)
    assert (found.scores > 0).all()


@EACH
@pytest.mark.parametrize("n", [2, 300])
@pytest.mark.parametrize("words", ["Garden", "violins garden", "garden absent", '"fact garden', ""])
@pytest.mark.parametrize("many", [50, 0], ids=["by tags", "looking at each"])
def test_all_words_find_the_last_that_have_every_one(
    store: SQLite,
    allowed: Filter,
    right: set[int],
    n: int,
    words: str,
    many: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search, "MANY_TAGS", many)
    stems = [word.lower().strip('s"') for word in words.split()]
    texts = store.texts(sorted(right))
    wanted = [row for row, text in texts.items() if stems and all(stem in text.lower() for stem in stems)]
    assert store.find_all_words(words.split(), allowed, n).tolist() == sorted(wanted, reverse=True)[:n]


def test_metas_are_of_every_record_of_a_kind_whatever_became_of_it(
    store: SQLite, everything: tuple[dict[int, Record], dict[str, Event], set[str]]
) -> None:
    of = {
        kind: [(row, r.scope, dict(r.meta)) for row, r in sorted(everything[0].items()) if r.kind == kind]
        for kind in ("fact", "turn", "thought")
    }
    assert {kind: store.metas(kind) for kind in of} == of
    assert len(of["turn"]) == 240
    assert store.metas("fact", made_since=of["fact"][3][0]) == of["fact"][4:]


@EACH
@pytest.mark.parametrize("n", [1, 10, 64])
def test_vectors_find_the_largest_cosines_allowed(store: SQLite, allowed: Filter, right: set[int], n: int) -> None:
    vector = store.embedder.embed(["the garden fence and the violin lesson"])[0]
    rows = np.array(sorted(right), dtype=np.int64)
    cosines = store.vectors(rows) @ vector
    found = store.find_vectors(vector, allowed, n)
    best = np.sort(cosines)[::-1][:n]
    assert found.scores == pytest.approx(best, abs=1e-3)
    assert (
        set(found.rows.tolist()) >= set(rows[cosines > best[-1] + 1e-3].tolist()) if len(rows) else not len(found.rows)
    )
    assert np.abs(store.similarity(vector, rows) - cosines).max(initial=0) < 0.005


def test_what_cannot_be_compared_is_refused(store: SQLite) -> None:
    for vector in (np.zeros(63, dtype=np.float32), np.full(64, np.nan, dtype=np.float32)):
        with pytest.raises(BadInput, match="64 finite numbers"):
            store.find_vectors(vector, Filter(), 3)
    assert len(store.find_vectors(np.zeros(64, dtype=np.float32), Filter(), 3).rows) == 0


class Given:
    """Vectors made beforehand, one for each number that a text ends in."""

    def __init__(self, vectors: NDArray[np.float32]):
        self.vectors, self.id, self.dim = vectors, "given", vectors.shape[1]

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        return self.vectors[[int(text.split()[-1]) for text in texts]]


def test_the_shortlist_of_a_large_store_loses_almost_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "WIDE", 4000)  # the shares of a store five times as large
    monkeypatch.setattr(search, "SHORTLIST", 1000)
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(300, 128))
    vectors = (centres[chance.integers(0, 300, 20_000)] + chance.normal(size=(20_000, 128))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    said = Event("One that all cite.", START)
    store = SQLite(tmp_path / "m.db", Given(vectors))  # type: ignore[arg-type]  # it has what is asked for
    records = [Record("turn", f"turn {i}", START, (Source(said.id, 0, 3),)) for i in range(20_000)]
    store.apply([add(record) for record in records], events=[said])
    right = 0
    for i in range(0, 20_000, 200):
        query = vectors[i] + 0.3 * chance.normal(size=128).astype(np.float32) / 128**0.5
        query /= np.linalg.norm(query)
        best = np.argsort(-(vectors @ query))[:10] + 1
        right += len(np.intersect1d(best, store.find_vectors(query, Filter(), 10).rows))
    store.close()
    assert right >= 0.995 * 1000


def test_common_words_are_dropped_only_while_others_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "COMMON_LEAST", 20)
    what = [Event(f"the garden, number {i}" + " rare" * (i == 7), START + i * DAY) for i in range(100)]
    store = kept(tmp_path / "m.db", what)
    assert [record.text for record in store.read(store.find_words(["garden", "rare"], Filter(), 9).rows).values()] == [
        "the garden, number 7 rare"
    ]
    assert len(store.find_words(["garden"], Filter(), 9).rows) == 9, "nothing found would look like an answer"
    store.close()


@pytest.mark.parametrize("tail", [4, 1000], ids=["in the files", "in memory"])
def test_neighbours_stand_beside_each_other_though_others_wrote_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: int
) -> None:
    monkeypatch.setattr(view, "TAIL", tail)
    store = SQLite(tmp_path / "m.db", Hashing())
    order = np.random.default_rng(1).integers(0, 3, 40).tolist()
    what = [Event(f"turn {i}", START + i * DAY, session=f"s{n % 2}", scope=Scope(f"u{n}")) for i, n in enumerate(order)]
    for event in what:  # three sessions in turn, two of them of one name
        store.apply(turns([event]), events=[event])
        store.status()
    fact = Record("fact", "no turn", START, (Source(what[0].id, 0, 4),))
    store.apply([add(fact)])
    rows = store.rows_of([record.id for record in store.records(Filter(kinds=("turn",)))])
    steps = (-3, -2, -1, 1, 2, 7)
    wanted = np.zeros((40, len(steps)), dtype=np.int64)
    for i, n in enumerate(order):
        mine = [j for j, m in enumerate(order) if m == n]
        for column, step in enumerate(steps):
            place = mine.index(i) + step
            wanted[i, column] = rows[mine[place]] if 0 <= place < len(mine) else 0
    assert np.array_equal(store.neighbours(rows, steps), wanted)
    assert store.neighbours(store.rows_of([fact.id]), (-1, 1)).tolist() == [[0, 0]]
    store.close()


def test_a_filter_by_an_app_of_very_many_users_is_answered_at_once(tmp_path: Path) -> None:
    what = [Event(f"turn {i} about tea", START, scope=Scope(user=f"u{i}", app="shop" * (i % 2))) for i in range(20)]
    store = kept(tmp_path / "m.db", what)
    store.writer.execute("BEGIN")
    store.writer.executemany(
        "INSERT INTO scope (user, agent, run, app) VALUES (?, '', '', 'shop')", [(f"other {i}",) for i in range(5000)]
    )
    store.writer.execute("COMMIT")
    longest = 0

    def trace(statement: str) -> None:
        nonlocal longest
        longest = max(longest, len(statement))

    store.reader.set_trace_callback(trace)
    assert len(store.find_words(["tea"], Filter(app="shop"), 30).rows) == 10
    assert longest < 1000, "a term for each user takes a minute to look up"
    store.reader.set_trace_callback(None)
    assert len(store.find_vectors(store.embedder.embed(["tea"])[0], Filter(app="shop"), 30).rows) == 10
    assert len(list(store.events(Filter(app="shop")))) == 10
    store.close()
