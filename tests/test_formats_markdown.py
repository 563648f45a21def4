"""Markdown: notes cut where they should be, and a diary that gives back the events it was written from."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remanence.errors import BadInput, NewerVersion
from remanence.formats.base import Problem
from remanence.formats.markdown import Markdown
from remanence.records import Event, Record, Scope

DATA = Path(__file__).parent / "data" / "formats"
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def taken(path: Path, **settings: Any) -> tuple[list[Event], list[Problem]]:
    problems: list[Problem] = []
    return list(Markdown(**settings).read(path, problems.append)), problems


def note(tmp_path: Path, text: str, name: str = "note.md") -> list[Event]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    events, problems = taken(tmp_path / name)
    assert problems == []
    return events


def noted(text: str, at: datetime, session: str, **meta: Any) -> Event:
    return Event(text, at, session=session, channel="import", meta=meta)


def test_a_folder_of_notes() -> None:
    day, name = datetime(2024, 3, 5, tzinfo=UTC), "2024-03-05-move.md"
    flat = "## Flat\n\nThird floor, [[Alfama]].\n\n```\n# not a heading\n\nstill code\n```"
    events = [
        noted("# The move\n\nBoxes everywhere.", day, name, title="2024-03-05-move", heading=["The move"]),
        noted(flat, day, name, title="2024-03-05-move", heading=["The move", "Flat"]),
        noted("## Rent\n\n900 a month.", day, name, title="2024-03-05-move", heading=["Costs", "Rent"]),
        noted("Somewhen.", NO_TIME, "undated.md", title="undated", undated=True),
        noted(
            "Allergic to peanuts.",
            datetime(2024, 4, 2, 8, 30, tzinfo=UTC),
            "people/Ana.md",
            title="Ana Silva",
            tags=["friend", "lisbon"],
        ),
    ]
    assert taken(DATA / "notes") == (events, [])


def test_undated_notes_may_take_the_time_of_their_file(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("x")
    os.utime(tmp_path / "x.md", (5, 5))
    (event,), _ = taken(tmp_path, mtime=True)
    assert (event.at, dict(event.meta)) == (NO_TIME + timedelta(seconds=5), {"title": "x"})


@pytest.mark.parametrize(
    "front", ["date: 2024-04-02", 'created: "2024-04-02"', "Date : 2024-04-02 00:00", "at: 1712016000"]
)
def test_where_the_date_of_a_note_stands(front: str, tmp_path: Path) -> None:
    (event,) = note(tmp_path, f"---\n{front}\n---\nx\n", "2023-01-01.md")
    assert event.at == datetime(2024, 4, 2, tzinfo=UTC)


def test_a_bad_date_is_reported_and_the_next_place_asked(tmp_path: Path) -> None:
    path = tmp_path / "2024-03-05.md"
    path.write_text("---\ndate: soon\n---\nx\n")
    events, problems = taken(path)
    assert [event.at.day for event in events] == [5]
    assert ["'soon'" in problem.message for problem in problems] == [True]


@pytest.mark.parametrize(
    ("front", "tags"),
    [
        ("tags: a, b", ["a", "b"]),
        ("tags:\n- a\n- '#b'", ["a", "b"]),
        ("tag: [a, b]", ["a", "b"]),
        ("tags: #a #b", ["a", "b"]),
    ],
)
def test_ways_of_writing_tags(front: str, tags: list[str], tmp_path: Path) -> None:
    (event,) = note(tmp_path, f"---\n{front}\nauthor: Ana\n---\nx\n")
    assert event.meta["tags"] == tags
    assert event.speaker == "Ana"


def test_front_matter_that_nobody_closed_is_text(tmp_path: Path) -> None:
    assert [event.text for event in note(tmp_path, "---\ndate: 2024-01-01\n")] == ["---\ndate: 2024-01-01"]
    long = "---\n" + "a: b\n" * 1000 + "---\n"
    assert note(tmp_path, long)[0].text.startswith("---\na: b")


def test_long_sections_are_cut_between_paragraphs(tmp_path: Path) -> None:
    paragraphs = [f"{i} " + "word " * 100 for i in range(6)]  # 502 characters each
    events = note(tmp_path, "# T\n\n" + "\n\n".join(paragraphs) + "\n\n" + "x" * 5000)
    assert [len(event.text) for event in events] == [1009, 1004, 1004, 5000]
    assert all(event.meta["heading"] == ["T"] for event in events)
    assert "\n".join(event.text for event in events).split() == ["#", "T", *" ".join(paragraphs).split(), "x" * 5000]


def test_a_fence_is_never_cut_nor_its_marks_taken_for_headings(tmp_path: Path) -> None:
    fence = "~~~py\n# a\n```\n\n" + "y = 1\n\n" * 400 + "~~~"
    events = note(tmp_path, f"# T\n\n{fence}\n\n# U\n\nafter")
    assert [event.text for event in events] == [f"# T\n\n{fence}", "# U\n\nafter"]


def test_what_is_a_heading(tmp_path: Path) -> None:
    events = note(tmp_path, "#tag a\n\n####### b\n\n    # c\n\n   ## D ##\nd\n# E\n### F\nf\n")
    assert [event.meta.get("heading") for event in events] == [None, ["D"], ["E", "F"]]


def test_a_fence_nobody_closed_does_not_fill_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remanence.formats.parts.notes.LONGEST", 100)
    events = note(tmp_path, "```\n" + "line\n" * 1000)
    assert max(len(event.text) for event in events) < 1700
    assert [event.text for event in note(tmp_path, "```\n" + "\n" * 5000 + "x")][-1].endswith("x")


def test_folders_that_are_hidden_or_go_in_circles_are_not_entered(tmp_path: Path) -> None:
    (tmp_path / "a" / ".obsidian").mkdir(parents=True)
    (tmp_path / "a" / ".obsidian" / "x.md").write_text("hidden")
    (tmp_path / "a" / "n.md").write_text("shown")
    (tmp_path / "a" / "n.txt").write_text("not Markdown")
    (tmp_path / "a" / "back").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.md").symlink_to(tmp_path / "self.md")
    os.mkfifo(tmp_path / "pipe.md")
    assert [(event.text, event.session) for event in taken(tmp_path)[0]] == [("shown", "a/n.md")]


def test_one_unreadable_note_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\nremanence: 1\n---\nstray words\n")
    (tmp_path / "b.md").write_text("fine")
    (tmp_path / "c.md").write_bytes(b"PK\x03\x04 not an archive")
    events, problems = taken(tmp_path)
    assert [event.text for event in events] == ["fine"]
    assert [(Path(p.file).name, p.line) for p in problems] == [("a.md", 4), ("c.md", 0)]


def test_progress_counts_the_whole_folder() -> None:
    steps: list[tuple[int, int]] = []
    list(Markdown().read(DATA / "notes", print, lambda *step: steps.append(step)))
    assert len(steps) == 3
    assert steps[-1][0] == steps[-1][1] == sum(file.stat().st_size for file in (DATA / "notes").rglob("[!x]*.md"))


# -- the diary -------------------------------------------------------------------------------------------------------

WORDS = st.text(max_size=12) | st.sampled_from(
    [
        "a\r\nb",
        "\r",
        "\n\n> q\n",
        "-->",
        "--",
        "<!-- remanence {} -->",
        "### x\n<!-- remanence {",
        "\u2028",
        "\x85",
        "> ",
        "---",
    ]
)
EVENTS = st.builds(
    Event,
    st.lists(WORDS, min_size=1, max_size=3).map("\n".join).filter(lambda text: bool(text.strip())),
    st.datetimes(timezones=st.just(UTC)) | st.integers(0, 99_999).map(lambda s: NO_TIME + timedelta(seconds=s)),
    WORDS,
    WORDS,
    WORDS,
    st.builds(Scope, WORDS, WORDS, WORDS, WORDS),
    st.sampled_from(["user", "assistant", "tool", "import"]),
    st.dictionaries(WORDS, WORDS | st.integers(-9, 9) | st.lists(WORDS, max_size=2), max_size=2),
    st.datetimes(timezones=st.just(UTC)),
)


@settings(max_examples=120, deadline=None)
@given(events=st.lists(EVENTS, max_size=5))
def test_a_diary_gives_back_its_events(events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("x") / "diary"
    assert Markdown().write(path, iter(events)) == len(events)
    found, problems = taken(path) if events else ([], [])
    assert problems == []
    by_day = sorted(events, key=lambda event: event.at.date())
    assert found == by_day
    assert [(event.id, event.recorded_at) for event in found] == [(event.id, event.recorded_at) for event in by_day]


TOLD = datetime(2024, 4, 2, 9, 30, tzinfo=UTC)


def test_a_diary_reads_like_this(tmp_path: Path) -> None:
    event = Event("I moved.\n\n--> # Done", TOLD, "Ana <b>\n", recorded_at=TOLD)
    record = Record("fact", "Ana moved", TOLD)
    assert Markdown().write(tmp_path / "diary", [event, record]) == 1
    hidden = (
        '{"at": "2024-04-02T09:30:00+00:00", "speaker": "Ana \\u003cb\\u003e\\n", "channel": "user", '
        '"recorded_at": "2024-04-02T09:30:00+00:00"}'
    )
    assert (tmp_path / "diary" / "2024-04-02.md").read_text() == (
        "---\nremanence: 1\ndate: 2024-04-02\n---\n\n# 2024-04-02\n\n"
        f"### 09:30:00 Ana &lt;b>\n<!-- remanence {hidden} -->\n> I moved.\n>\n> --> # Done\n"
    )


def test_words_changed_in_a_diary_are_read_as_they_are_now(tmp_path: Path) -> None:
    Markdown().write(tmp_path / "diary", [Event("I live in Lisbon.", TOLD, "Ana")])
    page = tmp_path / "diary" / "2024-04-02.md"
    page.write_text(page.read_text().replace("Lisbon", "Porto") + "\nmy own words\n> or a quote\n")
    (event,), problems = taken(tmp_path / "diary")
    assert (event.text, event.speaker, event.at) == ("I live in Porto.", "Ana", TOLD)
    assert [(p.line, "belongs to no message" in p.message) for p in problems] == [(12, True), (13, True)]


def test_a_comment_that_was_broken_is_reported_by_line(tmp_path: Path) -> None:
    Markdown().write(tmp_path / "diary", [Event("a", TOLD), Event("b", TOLD)])
    page = tmp_path / "diary" / "2024-04-02.md"
    page.write_text(page.read_text().replace('{"at"', '{"at', 1))
    events, problems = taken(tmp_path / "diary")
    assert [event.text for event in events] == ["b"]
    assert [p.line for p in problems] == [9]


def test_our_comment_in_a_note_of_yours_is_text(tmp_path: Path) -> None:
    text = '<!-- remanence {"at": "2024-01-01", "text": "x"} -->\n> x'
    assert [event.text for event in note(tmp_path, text)] == [text]


def test_a_diary_is_never_written_over_anything(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("mine")
    for path in (tmp_path, tmp_path / "x.md"):
        with pytest.raises(BadInput, match="written into a new folder"):
            Markdown().write(path, [Event("a", TOLD)])
    (tmp_path / "new").mkdir()
    assert Markdown().write(tmp_path / "new", [Event("a", TOLD)]) == 1


@pytest.mark.parametrize("version", ["2", "x"])
def test_a_newer_diary_is_refused(version: str, tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text(f"---\nremanence: {version}\n---\n")
    with pytest.raises(NewerVersion, match="reads up to 1"):
        taken(tmp_path / "x.md")
