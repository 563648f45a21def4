"""The README's table of results: made from the committed rows, and from nothing that may not be compared."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from remanence.bench.average import Average
from remanence.bench.clock import Timing
from remanence.bench.row import Cost, Row
from remanence.bench.rows import read

ROOT = Path(__file__).parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "readme_results.py"))
RESULTS = ROOT / "docs" / "results" / "text.jsonl"


def row(memory: str, task: str, value: float, **more) -> Row:
    metric = SCRIPT["SHOWN"][task][1]
    scores = {"else": Average(0.999, None, None, 9, 1), metric: Average(value, 0.01, None, 9, 1)}
    timing = Timing(10, 1.5, 2, 3, 4, 5)
    cost = Cost(1.0, bytes=1000, write=timing, read=timing, ask=timing, sizes={"records": 5})
    told = {"form": "text", "status": "done", "seed": 0, "limit": None, "worlds": 1, "probes": 9, "events": 10}
    given = {
        "groups": {"x": {"y": scores}},
        "cost": cost,
        "embedder": "static-1",
        "lm": "rules",
        "commit": "abcdefgh12-dirty",
    }
    return Row(memory=memory, task=task, scores=scores, **(told | given | more))


def test_a_line_a_method_the_best_on_locomo_first():
    rows = [row("a", "locomo", 0.5), row("b", "locomo", 0.75), row("a", "multihop", 0.25), row("a", "conflict", 0.125)]
    lines = SCRIPT["table"](SCRIPT["kept"](rows)).splitlines()
    assert lines[0] == "| method | LoCoMo R@10 | multi-hop R@5 | conflict right | bytes/event | write ms | read ms |"
    assert lines[2] == "| `b` | 0.750 ± 0.010 | - | - | 100 | 1.50 | 1.50 |"
    assert lines[3] == "| `a` | 0.500 ± 0.010 | 0.250 ± 0.010 | 0.125 ± 0.010 | 100 | 1.50 | 1.50 |"
    assert lines[-1] == "language model: rules; embedder: static-1; commit abcdefgh-dirty."


def test_only_what_the_table_needs_is_kept_and_the_last_of_each():
    failed = replace(row("a", "locomo", 0.5), status="failed", scores={}, error="x")
    (kept,) = SCRIPT["kept"]([failed, row("a", "locomo", 0.75), replace(row("a", "locomo", 0), task="sort")])
    assert (kept.scores.keys(), kept.groups, kept.cost.sizes, kept.cost.ask) == ({"recall@10"}, {}, {}, None)
    assert len(kept.json()) < 1200
    assert SCRIPT["table"]([kept]) == SCRIPT["table"]([row("a", "locomo", 0.75)]), "nothing the table shows is lost"
    assert "| `a` | failed | - | - | - | - | - |" in SCRIPT["table"](SCRIPT["kept"]([row("a", "locomo", 1), failed]))


def test_what_was_asked_otherwise_is_not_mixed_and_a_limit_is_said():
    with pytest.raises(SystemExit, match="locomo was asked in several ways"):
        SCRIPT["kept"]([row("a", "locomo", 0.5), row("b", "locomo", 0.5, limit=50)])
    assert "the first 50 questions of each" in SCRIPT["table"]([row("a", "locomo", 0.5, limit=50)])


def test_only_what_stands_between_the_marks_is_written():
    before, after = f"# Top\n\n{SCRIPT['BEGIN']}", f"{SCRIPT['END']}\n\nmore\n"
    rows = [row("a", "locomo", 0.5)]
    assert SCRIPT["with_table"](f"{before}old\n{after}", rows) == before + SCRIPT["table"](rows) + after


def test_the_readme_shows_the_results_that_are_kept():
    if not RESULTS.exists():
        pytest.skip("no docs/results/text.jsonl yet: scripts/readme_results.py makes it")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert SCRIPT["with_table"](readme, read(RESULTS)) == readme, "run: python scripts/readme_results.py"
