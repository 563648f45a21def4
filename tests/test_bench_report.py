"""The page of results: well-formed, complete, offline, and not to be taken over by a name."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from click.testing import CliRunner

from remanence.bench.average import Average
from remanence.bench.naming import latest, named
from remanence.bench.report import page, sections
from remanence.bench.row import CROSS, Row
from remanence.bench.run import run
from remanence.bench.tasks.base import Base
from remanence.cli import main
from test_bench_run import Tiny, words

HOSTILE = "<script>alert(1)</script>&\"'</style><!-- \x00\x1b[31m\u202e\ud800 ]]>"
SVG = "{http://www.w3.org/2000/svg}"


class Crossed(Tiny):
    """The same small worlds; every probe is also of a length and a depth."""

    crossed = ("length", "depth")

    def world(self, n, random):
        world = super().world(n, random)
        *told, first, second = world.steps
        for probe, depth in ((first, "0.5"), (second, "1.0")):
            told.append(replace(probe, tags={"length": ("512", "4096")[n % 2], "depth": depth}))
        return replace(world, steps=told)


@pytest.fixture(scope="module")
def row() -> Row:
    (row,) = run(Crossed(), [words()])
    return row


def parsed(text: str) -> Element:
    doctype, _, rest = text.partition("\n")
    assert doctype == "<!DOCTYPE html>"
    return fromstring(rest)


def said(element: Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def cells(root: Element) -> list[list[str]]:
    return [[said(cell) for cell in line] for line in root.iter("tr")]


def test_every_number_of_a_row_is_on_the_page(row):
    odd = {"recall@1": Average(0.123456, 0.0321, None, 4, 2), "deep": Average(0.98765, None, None, 3, 2, ungraded=1)}
    groups = {"who": {"Ana": {"recall@1": Average(0.4567, 0.0789, None, 2, 2)}}}
    head, line, _, group = cells(parsed(page([replace(row, scores=odd, groups=groups)])))
    cost = row.cost
    assert dict(zip(head[:4], line[:4], strict=True)) == {
        "memory": "words", "recall@1": "0.123 ± 0.032", "deep": "0.988", "n": "4"
    }  # fmt: skip
    assert line[4:] == [
        f"{cost.bytes_per_event:.0f}", f"{cost.write.cpu_ms:.2f}", f"{cost.write.cpu_ms_p95:.2f}",
        f"{cost.read.cpu_ms:.2f}", f"{cost.read.cpu_ms_p95:.2f}", f"{cost.tokens:.0f}", "0", f"{cost.seconds:.1f}",
    ]  # fmt: skip
    assert group == ["words", "Ana", "0.457 ± 0.079", "2"]
    root = parsed(page([row]))
    for told in (row.embedder, row.lm, row.versions["code"], row.versions["sqlite"], "made up", "ask False", "seed 0"):
        assert told in said(root)


def test_hostile_names_stay_text(row):
    same = {"recall@1": Average(1.0, None, None, 1, 1)}
    bad = replace(
        row, memory=HOSTILE, task=HOSTILE, embedder=HOSTILE, lm=HOSTILE, notes=(HOSTILE,), commit=HOSTILE,
        scores={HOSTILE: Average(0.5, 0.1, None, 4, 2)}, settings={HOSTILE: HOSTILE}, task_settings={HOSTILE: HOSTILE},
        groups={HOSTILE: {HOSTILE: same}, f"{HOSTILE}{CROSS}{HOSTILE}": {f"{HOSTILE}{CROSS}{HOSTILE}": same}},
    )  # fmt: skip
    text = page([bad, replace(bad, status="failed", error=HOSTILE, settings={})])
    root = parsed(text)
    text.encode("utf-8")  # no half of a character pair is left
    kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert not {"script", "img", "iframe", "a", "link"} & kinds
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    assert "<script>alert(1)</script>" in said(root), "shown as it is spelt"
    assert "<script" not in text
    assert len(list(root.iter("style"))) == 1
    assert all(not name.startswith("on") for element in root.iter() for name in element.attrib)


def test_the_page_needs_nothing_from_elsewhere(row):
    text = page([row])
    assert set(re.findall(r"https?://[^\s\"']+", text)) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in text and "url(" not in text
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text


def test_no_element_is_empty_that_html_would_leave_open(row):
    empty = replace(row, memory="", task="", embedder="", lm="", commit="", notes=("",), scores={}, groups={})
    for element in parsed(page([row, replace(row, memory=""), empty])).iter():
        drawn = element.tag.startswith(SVG)  # there both parsers take an element that closes itself
        assert drawn or element.tag == "meta" or len(element) or element.text, element.tag


def test_accuracy_against_bytes_and_milliseconds(row):
    figures = list(parsed(page([row, replace(row, memory="more", groups={})])).iter(f"{SVG}svg"))
    titles = [said(svg.find(f"{SVG}title")) for svg in figures[:3]]
    assert titles == [
        "recall@1 against bytes an event",
        "recall@1 against CPU ms to read, a question",
        "recall@1 against CPU ms to write, an event",
    ]
    assert all(len(list(svg.iter(f"{SVG}circle"))) == 2 for svg in figures[:3])


def test_two_tags_that_a_task_crosses_are_a_heat_map(row):
    crossed = row.groups["length × depth"]
    assert {pair: of["recall@1"].count for pair, of in crossed.items()} == {
        "512 × 0.5": 1, "512 × 1.0": 1, "4096 × 0.5": 1, "4096 × 1.0": 1
    }  # fmt: skip
    assert "length × depth" not in next(run(Tiny(), [words()])).groups
    crossed["4096 × 1.0"]["recall@1"] = replace(crossed["4096 × 1.0"]["recall@1"], value=0.25)
    (*_, heat) = parsed(page([row])).iter(f"{SVG}svg")
    rects = {said(rect): rect for rect in heat.iter(f"{SVG}rect")}
    assert rects.keys() == {
        "length 512, depth 0.5: 1.000", "length 512, depth 1.0: 1.000",
        "length 4096, depth 0.5: 1.000", "length 4096, depth 1.0: 0.250",
    }  # fmt: skip
    weak, strong = rects["length 4096, depth 1.0: 0.250"], rects["length 4096, depth 0.5: 1.000"]
    assert (weak.get("fill-opacity"), strong.get("fill-opacity")) == ("0.25", "1.00")
    assert float(weak.get("x")) == float(strong.get("x")) > float(rects["length 512, depth 0.5: 1.000"].get("x"))
    assert float(weak.get("y")) > float(strong.get("y"))


def test_what_may_not_be_compared_stands_apart(row):
    rows = [row, replace(row, memory="b"), replace(row, limit=2), replace(row, seed=1), replace(row, task_settings={})]
    assert [len(of) for of in sections(rows)] == [2, 1, 1, 1]


def test_a_failure_is_told_and_the_best_comes_first(row):
    low = replace(row, memory="low", scores={"recall@1": replace(row.scores["recall@1"], value=0.5)})
    broken = replace(row, memory="broken", status="failed", error="Locked: no way", scores={})
    lines = cells(parsed(page([broken, low, row])))
    assert [line[0] for line in lines[1:4]] == ["words", "low", "broken"]
    assert lines[3] == ["broken", "failed: Locked: no way"]
    only = parsed(page([broken]))
    assert "failed: Locked" in said(only)
    assert not list(only.iter(f"{SVG}svg")), "no score, no picture"


def test_one_memory_in_several_ways_is_named_by_what_differs(row):
    ways = [replace(row, settings={"code": code, "kept": 1.0}) for code in ("int8", "float8")]
    assert list(named([*ways, replace(row, memory="dense")])) == ["words code=int8", "words code=float8", "dense"]
    assert list(named([row, row, row])) == ["words", "words #2", "words #3"]


def test_what_was_measured_again_is_shown_as_it_came_out_last(row):
    failed = replace(row, status="failed", error="x", scores={})
    assert latest([failed, row]) == [row]
    assert latest([row, replace(row, seed=1), failed]) == [failed, replace(row, seed=1)]
    assert len(latest([row, replace(row, settings={"k": 1})])) == 2


def test_the_command_writes_the_page(row, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text(row.json() + "\n")
    Path("b.jsonl").write_text(replace(row, memory="other").json() + "\n")
    Path("none.jsonl").write_text("")
    result = CliRunner().invoke(main, ["report", "a.jsonl", "b.jsonl", "-o", "out.html"])
    assert (result.exit_code, result.stdout) == (0, "out.html: 2 results\n")
    assert Path("out.html").read_text(encoding="utf-8") == page([row, replace(row, memory="other")])
    assert "there is no result in none.jsonl" in CliRunner().invoke(main, ["report", "none.jsonl"]).stderr
    assert CliRunner().invoke(main, ["report", "absent.jsonl"]).exit_code == 2


def test_every_task_that_crosses_tags_crosses_two():
    from remanence.registry import load, names

    for name in names("bench/tasks"):
        task: type[Base] = load("bench/tasks", name)
        assert len(task.crossed) in (0, 2), name
