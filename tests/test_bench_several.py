"""Several tasks in one command: who is put to what, one table of it, and nothing measured twice."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from remanence import settings
from remanence.bench import row as row_file
from remanence.bench.average import Average
from remanence.bench.clock import Timing
from remanence.bench.contenders import contenders
from remanence.bench.row import Cost, Row, code
from remanence.bench.rows import read
from remanence.bench.several import several, tasks
from remanence.bench.summary import summary
from remanence.bench.tasks.conflict import Conflict
from remanence.bench.tasks.sort import Sort
from remanence.bench.text_memory import TextMemory
from remanence.cli import main
from remanence.embed.hashing import Hashing
from remanence.errors import BadConfig, BadInput, UnknownName
from remanence.registry import names

MINIATURE = str(Path(__file__).parent / "data" / "bench")
LOCOMO = ["--set", "locomo.sha256=", "--data", MINIATURE]


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No settings but ours, and the code of one moment: it may be edited while the tests run."""
    monkeypatch.setattr(row_file, "HERE", tmp_path)
    for name in settings.KNOWN:
        monkeypatch.delenv(f"REMANENCE_{name.upper()}", raising=False)
    monkeypatch.setenv("REMANENCE_EMBED", "hashing")
    monkeypatch.setattr(settings.platformdirs, "user_config_path", lambda name: tmp_path / "config")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)


def bench(*words: object, code: int = 0):
    result = CliRunner().invoke(main, ["bench", *map(str, words)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def timing(ms: float, count: int) -> Timing:
    return Timing(count, ms, ms, ms, ms, 1.0)


def row(memory: str, task: str, value: float | None = None, **more) -> Row:
    scores = (
        {} if value is None else {"first": Average(value, 0.01, None, 9, 1), "other": Average(0.125, None, None, 9, 1)}
    )
    cost = Cost(1.0, bytes=100, write=timing(1, 10), read=timing(2, 10), lm_calls=3)
    told = {"form": "text", "status": "failed" if value is None else "done", "seed": 0, "limit": None, "worlds": 1}
    given = {"probes": 9, "events": 10, "groups": {}, "cost": cost, "embedder": "hashing-1", "lm": "rules"}
    return Row(memory=memory, task=task, scores=scores, **(told | given | more))


# -- one table ---------------------------------------------------------------------------------------------------------


def test_a_line_a_memory_with_the_headline_of_each_task():
    lines = summary([row("a", "one", 0.5), row("b", "one", 0.25), row("a", "two", 0.75)]).splitlines()
    assert " ".join(lines[0].split()) == "memory one first two first B/event write ms read ms lm calls"
    assert lines[1].split()[:7] == ["a", "0.500", "±", "0.010", "0.750", "±", "0.010"]
    assert lines[2].split()[:5] == ["b", "0.250", "±", "0.010", "-"], "not put to the second task"
    assert "language model: rules" in lines
    assert "embedder: hashing-1" in lines


def test_a_number_asked_for_is_shown_instead_of_the_headline():
    rows = [row("a", "one", 0.5), row("a", "two", 0.75)]
    assert summary(rows, ["two.other"]).splitlines()[0].split()[1:5] == ["one", "first", "two", "other"]
    assert summary(rows, ["other"]).splitlines()[0].split()[1:5] == ["one", "other", "two", "other"]


def test_costs_of_the_tasks_are_put_together_by_what_they_were_of():
    large = Cost(1.0, bytes=9000, write=timing(4, 30), read=timing(8, 90), lm_calls=4)
    line = summary([row("a", "one", 0.5), row("a", "two", 0.5, cost=large, events=90)]).splitlines()[1]
    assert line.split()[-4:] == ["91", "3.25", "7.40", "7"], "the mean over tasks would be 55, 2.50 and 5.00"


def test_a_failure_stands_in_its_row_and_the_rest_of_the_row_is_kept():
    lines = summary(
        [row("a", "one", 0.5), row("a", "two", error="Locked: no\nway"), row("bb", "two", 0.5)]
    ).splitlines()
    assert lines[1].endswith("two failed: Locked: no way")
    assert lines[1].split()[1:5] == ["0.500", "±", "0.010", "failed"]
    assert lines[1].index("failed") + len("failed") == lines[2].index(" ± 0.010") + len(" ± 0.010"), "columns line up"


# -- who is put to what ------------------------------------------------------------------------------------------------


def test_all_is_every_memory_of_the_forms_taken_and_no_embedder():
    made = contenders(["all", "words", "embed:hashing"], ("text", "embed"), {})
    assert [(c.form, c.name) for c in made] == [*(("text", name) for name in names("text")), ("embed", "hashing")]


def test_a_memory_meets_only_the_tasks_that_take_its_form():
    both = contenders(["words", "embed:hashing"], ("text", "embed"), {"embed": Hashing()})
    locomo, conflict = tasks(["locomo", "conflict"], {"sha256": "", "groups": 1}, MINIATURE)
    met = [(r.task, r.memory) for r in several([locomo, conflict], both, limit=1)]
    assert met == [("locomo", "words"), ("locomo", "hashing"), ("conflict", "words")]
    with pytest.raises(BadConfig, match="put to a memory of form text; hashing is embed"):
        list(several([conflict], both, limit=1))


def test_a_setting_goes_to_the_one_task_that_has_it_or_to_the_one_named():
    conflict, sort = tasks(["conflict", "sort"], {"groups": 2, "sort.books": 3}, "here")
    assert (conflict, sort) == (Conflict("here", groups=2), Sort("here", books=3))
    with pytest.raises(
        BadConfig, match=r"conflict and locomo have a setting 'consolidate': say conflict\.consolidate="
    ):
        tasks(["conflict", "locomo"], {"consolidate": False})
    assert tasks(["conflict", "locomo"], {"locomo.consolidate": False})[1].consolidate is False
    with pytest.raises(BadConfig, match="Did you mean 'groups'"):
        tasks(["conflict", "locomo"], {"grups": 2})
    with pytest.raises(UnknownName, match="Did you mean 'locomo'"):
        tasks(["conflict", "locomo"], {"lokomo.captions": False})


# -- the command -------------------------------------------------------------------------------------------------------


def test_one_command_for_several_tasks():
    words = ["conflict", "locomo", "--limit", 1, "--memory", "words", "--memory", "wrods", *LOCOMO, "--set", "groups=1"]
    result = bench(*words, "--out", "rows.jsonl", code=1)
    head, fine, broken = result.stdout.splitlines()[:3]
    assert head.split()[:5] == ["memory", "conflict", "right", "locomo", "recall@5"]
    assert fine.startswith("words ")
    assert "conflict, locomo failed: UnknownName: no text memory 'wrods'" in broken
    assert "Did you mean 'words'" in result.stderr
    assert [(r.memory, r.task) for r in read(Path("rows.jsonl"))] == [
        ("words", "conflict"), ("wrods", "conflict"), ("words", "locomo"), ("wrods", "locomo")
    ]  # fmt: skip
    assert "--by is for one task" in bench("conflict", "locomo", "--by", "kind", code=2).stderr


def test_one_task_is_shown_as_ever():
    head = bench("conflict", "--limit", 1, "--set", "conflict.groups=1", "--memory", "words").stdout.splitlines()[0]
    assert head.split() == [
        "memory",
        "right",
        "n",
        "B/event",
        "write",
        "ms",
        "read",
        "ms",
        "tokens",
        "lm",
        "calls",
        "s",
    ]


def test_a_run_that_was_cut_goes_on_where_it_was():
    words = ["conflict", "--set", "groups=1", "--limit", 2, "--memory", "words", "--out", "rows.jsonl"]
    bench(*words)
    first = Path("rows.jsonl").read_text()
    bench(*words, "--memory", "fifo", "--resume")
    again = Path("rows.jsonl").read_text()
    assert again.startswith(first)
    assert [r.memory for r in read(Path("rows.jsonl"))] == ["words", "fifo"]
    assert "rows" in bench(*words, "--resume", "--json").stdout
    assert Path("rows.jsonl").read_text() == again, "nothing is written twice"
    assert "--out names" in bench("conflict", "--resume", code=2).stderr


@pytest.mark.parametrize(
    "other",
    [
        {"status": "failed"}, {"seed": 1}, {"limit": 3}, {"task_settings": {}}, {"settings": {"k": 1}}, {"lm": "chat"},
        {"embedder": "static"}, {"memory": "dense"}, {"versions": {}},
    ],
    ids=lambda other: next(iter(other)),
)  # fmt: skip
def test_only_the_very_same_measurement_counts_as_made(other):
    (task,), (memory,) = tasks(["conflict"], {"groups": 1}), [TextMemory("words", Hashing())]
    (made,) = several([task], [memory], limit=2)
    assert list(several([task], [memory], limit=2, held=[made])) == [made]
    (anew,) = several([task], [memory], limit=2, held=[replace(made, **other)])
    assert anew.cost.seconds != made.cost.seconds
    assert anew.versions["code"] == code()


# -- rows read back ----------------------------------------------------------------------------------------------------


def test_rows_come_back_as_they_were_and_what_is_no_row_is_refused(tmp_path):
    (made,) = several(tasks(["conflict"], {"groups": 1}), [TextMemory("words", Hashing())], limit=2)
    path = tmp_path / "rows.jsonl"
    path.write_text(made.json() + "\n")
    assert read(path) == [made]
    for wrong in (made.json()[:100], "{}", "[]", "3", made.json().replace('"schema": 1', '"schema": 99')):
        path.write_text(f"{made.json()}\n{wrong}\n")
        with pytest.raises(BadInput, match="line 2 is no result of the bench"):
            read(path)
    path.write_text(made.json() + "\n" + json.dumps(json.loads(made.json()) | {"more": 1}))
    with pytest.raises(BadInput, match="line 2"):
        read(path)
