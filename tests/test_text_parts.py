"""What stands in text/parts is shared: an idea with one user stands beside its user, or in a package with others.

And truths of parts that no one method's test would notice.
"""

import ast
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from remanence.records import Event, Hit, Record, Source, utc
from remanence.store.times import micros
from remanence.text.parts import render
from remanence.text.parts.english.closeness import closeness
from remanence.text.parts.english.when import Span
from remanence.text.parts.passages import once
from remanence.text.parts.render import Recalled, context

ROOT = Path(__file__).parent.parent / "src" / "remanence"
PARTS = ROOT / "text" / "parts"
SHELF = sorted(path.stem for path in PARTS.iterdir() if path.name != "__init__.py" and path.name != "__pycache__")


def imported(file: Path) -> set[str]:
    """The modules a file imports from, and what it imports, as if that were modules too."""
    froms = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom) and node.module]
    return {node.module for node in froms} | {f"{node.module}.{name.name}" for node in froms for name in node.names}


@pytest.fixture(scope="module")
def imports() -> dict[Path, set[str]]:
    return {file: imported(file) for file in ROOT.rglob("*.py")}


@pytest.mark.parametrize("part", SHELF)
def test_a_part_has_two_users_or_more(part: str, imports: dict[Path, set[str]]) -> None:
    """Modules of a package of parts do not count for it."""
    own = (PARTS / f"{part}.py", PARTS / part)
    users = {
        str(file.relative_to(ROOT))
        for file, names in imports.items()
        if not {file, *file.parents} & {*own}
        if any(f"{name}.".startswith(f"remanence.text.parts.{part}.") for name in names)
    }
    assert len(users) > 1, f"text/parts/{part} is used by {users or 'nobody'}: put it beside its user"


MONDAY, DAY = utc("2024-05-06"), timedelta(days=1)


@pytest.mark.parametrize(
    ("relation", "expected"),
    [
        ("in", [np.exp(-1 / 7), 1, 1, np.exp(-2 / 7)]),
        ("before", [1, 0, 0, 0]),
        ("until", [1, 1, 0, 0]),
        ("since", [0, 1, 1, 1]),
        ("after", [0, 0, 1, 1]),
    ],
)
def test_how_near_to_a_period_something_was_said(relation, expected):
    """The day before, its first moment, the first moment after it, and two days on."""
    moments = [MONDAY - DAY, MONDAY, MONDAY + DAY, MONDAY + 3 * DAY]
    at = np.array([micros(moment) for moment in moments])
    assert closeness(at, [Span(MONDAY, MONDAY + DAY, "on Monday", relation)]).tolist() == pytest.approx(expected)


def test_a_long_text_is_several_passages_and_of_each_the_first_hit_stands():
    said = Record("fact", "Ana sings.", MONDAY, sources=(Source("e" * 32, 0, 9),))
    near, far = (replace(said, sources=(Source("e" * 32, start, start + 9),)) for start in (1990, 2000))
    found = [Hit(record, score) for score, record in zip((3.0, 2.0, 1.0), (near, said, far), strict=True)]
    assert list(once(found).values()) == [found[0], found[2]]


def test_a_prompt_that_comes_back_whole_is_an_echo_and_one_with_a_word_more_is_not():
    hits = [Hit(Record("turn", text, MONDAY), 1.0) for text in ("Ana sings.", "Ben cooks.")]
    given, recalled = context(hits, 100, list), Recalled()
    recalled.add(hit.record.text for hit in hits)
    recalled.add(given.text.splitlines()[1:])
    assert recalled.echoes(Event(given.text, MONDAY, channel="assistant"))
    assert not recalled.echoes(Event(f"{given.text}\nAnd Ana cooks.", MONDAY, channel="assistant"))
    assert not recalled.echoes(Event(given.text, MONDAY, channel="user"))


def test_what_was_recalled_long_ago_is_an_echo_no_more(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(render, "REMEMBERED", 2)
    recalled = Recalled()
    for text in ("one", "two", "one", "three"):
        recalled.add([text])
    assert [recalled.echoes(Event(text, MONDAY, channel="tool")) for text in ("one", "two", "three")] == [
        True,
        False,
        True,
    ]
