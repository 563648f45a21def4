"""MemGAS ties units that stand out, trusts the granularity that is sure, shares a session's rank among its turns."""

from collections import defaultdict

import numpy as np
import pytest

pytest.importorskip("igraph")

import remanence
from remanence.lm.scripted import Scripted
from remanence.local import Local
from remanence.records import Filter
from remanence.text.memgas import SUMS, UNITS, outstanding, weights

OLD = [
    "My violin needs strings and a bow.",
    "Strings and a bow for the violin cost much.",
    "Olives grow on that hill.",
    "Trains leave at night.",
    "His letter spoke of taxes.",
    "Fences fall in storms.",
    "Bread is baked daily.",
]
NEW = "She bought violin strings and a bow."


def opened(texts: list[str], method: str = "memgas", **settings: object) -> Local:
    lm = Scripted(
        {
            "summary": lambda *, texts, **asked: f"about {len(texts)} turns: {texts[0]}",
            "keywords": lambda *, text, n: text.lower().replace(".", "").split()[1:4],
        }
    )
    memory = remanence.open(method=method, embed="hashing", lm=lm, **settings)
    for i, text in enumerate(texts):
        memory.add(text, at=f"2024-01-0{i // 3 + 1}T{i:02}:00:00", session=f"day {i // 3}", speaker="Ana")
    return memory


def tied(memory: Local, text: str) -> set[str]:
    rows = [row for row, held in all_units(memory).items() if held == text]
    return {memory.store.texts([b])[b] for _, b, _, _ in memory.store.linked(np.array(rows), "tied")}


def all_units(memory: Local) -> dict[int, str]:
    found = list(memory.store.records(Filter(kinds=UNITS)))
    return dict(
        zip(memory.store.rows_of([record.id for record in found]).tolist(), [r.text for r in found], strict=True)
    )


def test_a_new_unit_is_tied_to_those_that_stand_out_and_they_to_it():
    with opened([*OLD, NEW]) as memory:
        assert tied(memory, NEW) == set(OLD[:2])  # the five nearest, or all, would bring in others
        assert NEW in tied(memory, OLD[0])


def test_ties_are_the_same_from_one_batch_or_many():
    with opened([*OLD, NEW]) as one, opened([]) as other:
        other.add_many(list(one.events()))
        for text in (*OLD, NEW):
            assert tied(other, text) == tied(one, text)


def test_the_outstanding_are_the_higher_gaussian():
    rng = np.random.default_rng(0)
    low, high = rng.normal(0.2, 0.03, 25), rng.normal(0.7, 0.05, 4)
    assert outstanding(np.concatenate([high, low]).astype(np.float32)).tolist() == [True] * 4 + [False] * 25
    assert not outstanding(np.full(9, 0.4, dtype=np.float32)).any()


def test_where_two_gaussians_overlap_they_part_as_scikit_learn_parts_them():
    """The last ten were drawn from the higher one, which is also the wider: neither the middle nor a gap tells."""
    low = [33, 38, 33, 17, 39, 34, 25, 36, 34, 33, 30, 35, 23, 28, 25, 36, 30, 27, 22, 27]
    high = [50, 46, 69, 65, 9, 22, 47, 44, 53, 53]
    chosen = outstanding(np.array(low + high, dtype=np.float32) / 100)
    assert chosen.tolist() == [False] * 20 + [score >= 46 for score in high]


def test_the_less_a_granularity_is_spread_the_more_it_is_trusted():
    sharp, flat = np.array([0.9, 0.1, 0.1, 0.0], dtype=np.float32), np.array([0.5, 0.5, 0.4, 0.5], dtype=np.float32)

    def entropy(scores: np.ndarray) -> float:
        p = [float(np.exp(s / 0.1)) for s in scores]
        return -sum(x / sum(p) * np.log(x / sum(p)) for x in p) / np.log(len(p))

    sure = [1 - entropy(sharp), 1 - entropy(flat), 0.0]
    found = weights([sharp, flat, sharp[:1]], 0.1)
    assert found == pytest.approx([one / sum(sure) for one in sure], abs=1e-5)
    assert found[0] > 0.9
    assert weights([sharp[:1], sharp[:0]], 0.1) == [0.5, 0.5]


def test_a_tie_leads_to_a_turn_that_similarity_puts_behind_another():
    texts = [*OLD[2:], "Monday is wet.", "A bow and strings for a violin."]
    last = "On Monday she broke the violin strings and a bow."
    question, behind = "what is wet or broke on Monday?", "A bow and strings for a violin."
    with opened([*texts, last], "dense") as memory:
        assert behind not in [hit.text for hit in memory.search(question, k=3)]
    with opened([*texts, last], damping=0.85, seeds=2) as memory:
        assert behind in tied(memory, last)
        assert behind in [hit.text for hit in memory.search(question, k=2)]


def slow(memory: Local, question: str, damping: float) -> dict[str, float]:
    """Every unit a seed: the formula over the whole graph, by walking it a hundred times."""
    records = list(memory.store.records(Filter(kinds=UNITS)))
    rows = memory.store.rows_of([record.id for record in records]).tolist()
    cosine = memory.store.vectors(np.array(rows)) @ memory.store.embedder.embed([question])[0]
    by_kind = [[i for i, r in enumerate(records) if r.kind == kind] for kind in UNITS]
    reset = np.zeros(len(rows))
    for some, weight in zip(by_kind, weights([cosine[some] for some in by_kind], 0.1), strict=True):
        reset[some] = weight * np.maximum(cosine[some], 0)
    ties = np.zeros((len(rows), len(rows)))
    for a, b, _, _ in memory.store.linked(np.array(rows), "tied"):
        ties[rows.index(a), rows.index(b)] = 1
    start, degree = reset / reset.sum(), ties.sum(axis=1, keepdims=True)
    walk = np.where(degree > 0, ties / np.maximum(degree, 1), start)
    rank = start
    for _ in range(100):
        rank = (1 - damping) * start + damping * rank @ walk
    total: dict[str, float] = defaultdict(float)
    for record, share in zip(records, rank, strict=True):
        turns = [r for r in records if r.kind == "turn" and set(r.sources) <= set(record.sources)]
        for turn in turns:
            total[turn.text] += share / len(turns)
    return total


@pytest.mark.parametrize("damping", [0.1, 0.6])
def test_scores_are_the_formula_over_the_whole_graph(damping):
    with opened([*OLD, NEW, "That bow is of old wood."], damping=damping, seeds=99) as memory:
        memory.consolidate()
        assert {record.kind for record in memory.records()} == set(UNITS)
        question = "what did she pay for violin strings"
        expected = slow(memory, question, damping)
        hits = memory.search(question, k=9)
        assert {hit.text: hit.score for hit in hits} == pytest.approx(dict(expected), abs=2e-3)
        assert any(set(SUMS) <= set(hit.why) for hit in hits)


def test_a_session_is_not_tied_to_itself():
    with opened([*OLD, NEW]) as memory:
        for hour in (21, 22):
            memory.add(f"She played the violin at {hour}.", at=f"2024-01-03T{hour}:00:00", session="day 2")
            memory.consolidate()
            units = list(memory.records(kinds=SUMS))
            rows = memory.store.rows_of([unit.id for unit in units])
            ties = memory.store.linked(rows, "tied")
            assert ties
            ends = memory.store.read([row for tie in ties for row in tie[:2]])
            for one, other, _, _ in ties:
                assert not set(ends[one].sources) & set(ends[other].sources)


def test_a_session_that_went_on_has_new_units():
    with opened(OLD[:3]) as memory:
        memory.consolidate()
        memory.add("One more thing.", at="2024-01-01T20:00:00", session="day 0")
        memory.consolidate()
        units = [record for record in memory.records() if record.kind in SUMS]
        assert sorted(record.kind for record in units) == sorted(SUMS)
        assert {len(record.sources) for record in units} == {4}
