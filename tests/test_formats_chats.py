"""ChatGPT, Claude and WhatsApp: exactly what their files say, and what becomes of what they say badly."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remanence.errors import BadConfig, BadInput
from remanence.formats.base import Base, Problem
from remanence.formats.chatgpt import ChatGPT
from remanence.formats.claude import Claude
from remanence.formats.whatsapp import WhatsApp
from remanence.records import Event

DATA = Path(__file__).parent / "data" / "formats"
TOLD = datetime(2024, 4, 2, 10, tzinfo=UTC)
CLAUDE = datetime(2024, 4, 2, 9, 30, tzinfo=UTC)


def taken(format_: Base, path: Path) -> tuple[list[Event], list[Problem]]:
    problems: list[Problem] = []
    return list(format_.read(path, problems.append)), problems


def after(start: datetime, seconds: float) -> datetime:
    return start + timedelta(seconds=seconds)


def said(events: list[Event]) -> list[str]:
    return [event.text for event in events]


# -- ChatGPT ---------------------------------------------------------------------------------------------------------


def by(channel: Any, at: datetime, text: str, name: str, session: str, speaker: str = "", **meta: str) -> Event:
    return Event(text, at, speaker or channel, channel, session, channel=channel, meta={"id": name, **meta})


CHATGPT = [
    by("user", after(TOLD, 0.5), "I moved to Lisbon in March.", "u1", "c-1", title="Moving to Lisbon"),
    by("assistant", after(TOLD, 10.75), "How do you like it there?", "a1b", "c-1"),
    by("assistant", after(TOLD, 20), 'search("weather Lisbon")', "call", "c-1", recipient="browser"),
    by("tool", after(TOLD, 21), "Sunny, 21 degrees", "tool", "c-1", speaker="browser"),
    by("user", after(TOLD, 21), "This is my street.", "u2", "c-1"),  # no time of its own: the one before it
    by("assistant", after(TOLD, 300), "A lovely street.", "a2", "c-1"),
    by("user", datetime(2024, 4, 2, 23, 20, tzinfo=UTC), "What is a quokka?", "m1", "c-2", title="No times"),
    by("assistant", datetime(2024, 4, 2, 23, 20, tzinfo=UTC), "A small marsupial.", "m2", "c-2"),
]


def test_chatgpt() -> None:
    assert taken(ChatGPT(), DATA / "chatgpt") == (CHATGPT, [])


def test_chatgpt_with_the_branches_left_behind() -> None:
    events, _ = taken(ChatGPT(branches=True), DATA / "chatgpt")
    other = by("assistant", after(TOLD, 5.25), "Congratulations!", "a1", "c-1", branch="other")
    assert events == [*CHATGPT[:6], other, *CHATGPT[6:]]


def conversation(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Messages in a row, named 0, 1, ..."""
    mapping = {}
    for i, message in enumerate(messages):
        full = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": [f"text {i}"]}, **message}
        mapping[str(i)] = {"parent": str(i - 1) if i else None, "children": [str(i + 1)], "message": full}
    if messages:
        mapping[str(len(messages) - 1)]["children"] = []
    return {"conversation_id": "c", "mapping": mapping, "current_node": str(len(messages) - 1), **fields}


def chatgpt(tmp_path: Path, *conversations: Any, **settings: Any) -> tuple[list[Event], list[Problem]]:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps(conversations))
    return taken(ChatGPT(**settings), path)


def test_a_circle_of_messages_is_reported_once_and_ends(tmp_path: Path) -> None:
    circle = conversation({"create_time": 1}, {"create_time": 2})
    circle["mapping"]["0"]["parent"] = "1"
    events, problems = chatgpt(tmp_path, conversation({"create_time": 1}), circle)
    assert said(events) == ["text 0", "text 0", "text 1"]
    assert [(p.unit, p.line, "circle" in p.message) for p in problems] == [("item", 2, True)]


def test_without_a_current_node_the_last_leaf_is_meant(tmp_path: Path) -> None:
    first = conversation({"create_time": 1}, {"create_time": 2}, {"create_time": 3}, current_node="gone")
    first["mapping"]["1"]["children"] = []
    first["mapping"]["2"]["parent"] = "0"
    assert said(chatgpt(tmp_path, first)[0]) == ["text 0", "text 2"]
    first["mapping"] = dict(reversed(first["mapping"].items()))
    assert said(chatgpt(tmp_path, first)[0]) == ["text 0", "text 1"]


def test_the_current_node_need_not_be_the_newest(tmp_path: Path) -> None:
    first = conversation({"create_time": 1}, {"create_time": 2}, {"create_time": 3}, current_node="1")
    first["mapping"]["2"]["parent"] = "0"
    assert said(chatgpt(tmp_path, first)[0]) == ["text 0", "text 1"]


def test_what_was_not_said_is_left_out(tmp_path: Path) -> None:
    hidden = {"metadata": {"is_visually_hidden_from_conversation": True}}
    system = {"author": {"role": "system"}}
    thoughts = {"content": {"content_type": "thoughts", "text": "hm"}}
    custom = {"content": {"content_type": "user_editable_context", "text": "I am Ana"}}
    picture = {"content": {"content_type": "multimodal_text", "parts": [{"asset_pointer": "x"}, " "]}}
    shown = [{"author": {"role": "critic", "name": "Bob"}}, {"author": {"role": "critic"}}]
    events, problems = chatgpt(tmp_path, conversation(hidden, system, thoughts, custom, picture, *shown, create_time=1))
    assert said(events) == ["text 5", "text 6"]
    assert [(e.speaker, e.role, e.channel) for e in events] == [
        ("Bob", "Bob", "import"),
        ("critic", "critic", "import"),
    ]
    assert problems == []


def test_bad_times_are_reported_and_the_time_before_is_taken(tmp_path: Path) -> None:
    times = [{"create_time": at} for at in (5, float("nan"), 1e300, "soon", 7)]
    events, problems = chatgpt(tmp_path, conversation(*times))
    assert [event.at.second for event in events] == [5, 5, 5, 5, 7]
    assert len(problems) == 3
    assert str(problems[0]) == f"{tmp_path}/conversations.json, item 1: message 1: not a time: nan"


def test_no_time_at_all_is_reported_and_skipped(tmp_path: Path) -> None:
    events, problems = chatgpt(tmp_path, conversation({}, {"create_time": 3}))
    assert said(events) == ["text 1"]
    assert "message 0 has no time" in problems[0].message


def test_the_rest_comes_through(tmp_path: Path) -> None:
    fine = conversation({"create_time": 1})
    events, problems = chatgpt(tmp_path, fine, {"title": "no mapping"}, 7, {"mapping": []}, {"mapping": None}, fine)
    assert len(events) == 2
    assert [problem.line for problem in problems] == [2, 3]


def test_renaming_a_conversation_changes_one_event(tmp_path: Path) -> None:
    messages = ({"create_time": 1}, {"create_time": 2}, {"create_time": 3})
    old, _ = chatgpt(tmp_path, conversation(*messages, title="Old"))
    new, _ = chatgpt(tmp_path, conversation(*messages, title="New"))
    assert len({e.id for e in new} - {e.id for e in old}) == 1


# -- Claude ----------------------------------------------------------------------------------------------------------


def test_claude() -> None:
    at = after(CLAUDE, 0.123456)
    events = [
        by("user", at, "I am allergic to peanuts.", "h1", "k-1", title="Allergies"),
        by("user", at, "IgE peanuts: high", "h1", "k-1", attachment="tests.txt"),
        by("assistant", after(CLAUDE, 5), "Noted.\n\nAvoid satay.", "r1", "k-1"),
        by("user", after(CLAUDE, 60), "Thanks", "h2", "k-1"),
    ]
    assert taken(Claude(), DATA / "claude") == (events, [])


def test_claude_keeps_what_is_text(tmp_path: Path) -> None:
    parts = [{"type": "thinking", "text": "hm"}, {"type": "text", "text": ""}, {"type": "text", "text": "b"}]
    messages = [{"sender": "human", "text": "b and more", "content": [*parts, {"type": "text", "text": "c"}]}]
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([{"uuid": "k", "created_at": "2024-01-01", "chat_messages": messages}]))
    assert said(taken(Claude(), path)[0]) == ["b\n\nc"]


def test_claude_reports_what_is_odd(tmp_path: Path) -> None:
    messages = [{"text": "a", "sender": "oracle"}, 7, {"text": "b", "sender": "human", "created_at": "?"}]
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([{"uuid": "k", "created_at": "2024-01-01", "chat_messages": messages}, {"uuid": "l"}]))
    events, problems = taken(Claude(), path)
    assert [(e.text, e.speaker, e.channel) for e in events] == [("a", "oracle", "import"), ("b", "user", "user")]
    assert {e.at for e in events} == {datetime(2024, 1, 1, tzinfo=UTC)}
    assert [p.line for p in problems] == [1, 1, 1, 2]
    assert ["sender" in problems[0].message, "expected a message" in problems[1].message] == [True, True]


# -- WhatsApp --------------------------------------------------------------------------------------------------------


def wrote(speaker: str, at: str, text: str, session: str, **meta: int) -> Event:
    channel: Any = "user" if speaker else "import"
    session, role = f"whatsapp {session}", "" if speaker else "system"
    when = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return Event(text, when, speaker, role, session, channel=channel, meta=meta)


def whatsapp(tmp_path: Path, *lines: str, **settings: Any) -> tuple[list[Event], list[Problem]]:
    path = tmp_path / "chat.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return taken(WhatsApp(**settings), path)


def test_whatsapp_from_ios() -> None:
    first, second = "2024-03-12T21:15", "2024-03-13T08:00"
    events = [
        wrote("Ana & Ben", "2024-03-12T21:15:03", "Messages and calls are end-to-end encrypted.", first),
        wrote("Ana", "2024-03-12T21:15:03", "I moved to Lisbon!\nNew flat, new job: all at once.\n\nWrite me.", first),
        wrote("Ben", "2024-03-12T21:16:40", "Congratulations 🎉", first),
        wrote("Ana", "2024-03-13T08:00:00", "Good morning", second),
    ]
    assert taken(WhatsApp(), DATA / "whatsapp_ios.txt") == (events, [])


def test_whatsapp_from_android() -> None:
    first = "2024-03-09T21:15"
    events = [
        wrote("", "2024-03-09T21:15", "Messages and calls are end-to-end encrypted.", first),
        wrote("", "2024-03-09T21:15", "Ana added Ben", first),
        wrote("Ana", "2024-03-09T21:16", "ok", first),
        wrote("Ana", "2024-03-09T21:16", "ok", first, repeat=2),
        wrote("Ben", "2024-03-13T00:05", "Late: but here", "2024-03-13T00:05"),
    ]
    assert taken(WhatsApp(), DATA / "whatsapp_android.txt") == (events, [])


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("[13/03/2024, 21:15:03] Ana: x", "2024-03-13T21:15:03"),
        ("13/03/24, 21:15 - Ana: x", "2024-03-13T21:15"),
        ("13.03.24, 21:15 - Ana: x", "2024-03-13T21:15"),
        ("[13.03.24, 21:15:03] Ana: x", "2024-03-13T21:15:03"),
        ("2024-03-13, 21:15 - Ana: x", "2024-03-13T21:15"),
        ("2024/03/13, 9:15 pm - Ana: x", "2024-03-13T21:15"),
        ("[2024-03-13, 9:15:03 p.m.] Ana: x", "2024-03-13T21:15:03"),
        ("13/3/2024 9:15 p. m. - Ana: x", "2024-03-13T21:15"),
        ("3/13/24, 12:15\u202fAM - Ana: x", "2024-03-13T00:15"),
        ("3/13/24, 12:15\u00a0PM - Ana: x", "2024-03-13T12:15"),
        ("13/03/24 21.15 - Ana: x", "2024-03-13T21:15"),
        ("13/03/2024 21:15:03: Ana: x", "2024-03-13T21:15:03"),
        ("\u200e[13/03/2024, 21:15:03] \u202aAna\u202c: \u200ex", "2024-03-13T21:15:03"),
        ("\u200f13\u200f/3\u200f/2024, 21:15 - Ana: x", "2024-03-13T21:15"),
        ("١٣/٠٣/٢٠٢٤, ٢١:١٥ - Ana: x", "2024-03-13T21:15"),
    ],
)
def test_ways_of_writing_the_date(line: str, at: str, tmp_path: Path) -> None:
    assert whatsapp(tmp_path, line) == ([wrote("Ana", at, "x", at[:16])], [])


def test_one_line_decides_for_the_whole_file(tmp_path: Path) -> None:
    lines = ["1/2/24, 10:00 - Ana: a", "1/13/24, 10:00 - Ana: b"]
    assert [e.at.month for e in whatsapp(tmp_path, *lines)[0]] == [1, 1]
    lines = ["1/2/24, 10:00 - Ana: a", "13/2/24, 10:00 - Ana: b"]
    assert [e.at.month for e in whatsapp(tmp_path, *lines)[0]] == [2, 2]


def test_where_no_day_decides_the_order_of_the_file_does(tmp_path: Path) -> None:
    months = [f"{month}/3/24, 10:00 - Ana: {month}" for month in range(1, 12)]  # 3 January, 3 February, ...
    months.insert(1, "1/5/24, 10:00 - Ana: later in January")
    events, problems = whatsapp(tmp_path, *months)
    assert [e.at.day for e in events] == [3, 5] + [3] * 10
    assert problems == []


def test_where_nothing_decides_the_day_is_first_and_it_is_said(tmp_path: Path) -> None:
    events, problems = whatsapp(tmp_path, "1/2/24, 10:00 - Ana: a", "3/4/24, 10:00 - Ana: b")
    assert [(e.at.day, e.at.month) for e in events] == [(1, 2), (3, 4)]
    assert [(p.line, "order=mdy" in p.message) for p in problems] == [(1, True)]
    events, problems = whatsapp(tmp_path, "1/2/24, 10:00 - Ana: a", "3/4/24, 10:00 - Ana: b", order="mdy")
    assert [(e.at.day, e.at.month) for e in events] == [(2, 1), (4, 3)]
    assert problems == []


def test_a_date_that_cannot_be_is_reported_and_its_message_skipped(tmp_path: Path) -> None:
    lines = ["13/02/24, 10:00 - Ana: a", "31/02/24, 10:00 - Ana: b", "of b", "14/02/24, 25:00 - Ana: c"]
    events, problems = whatsapp(tmp_path, *lines, "15/02/24, 10:00 - Ana: d", "1/1/0000, 10:00 - Ana: e")
    assert said(events) == ["a", "d"]
    assert [p.line for p in problems] == [2, 4, 6]


def test_a_line_before_the_first_message_is_reported(tmp_path: Path) -> None:
    events, problems = whatsapp(tmp_path, "stray", "", "13/02/24, 10:00 - Ana: a")
    assert said(events) == ["a"]
    assert [p.line for p in problems] == [1]


def test_the_zone_is_that_of_the_phone(tmp_path: Path) -> None:
    lines = ["13/02/24, 10:00 - Ana: winter", "13/07/24, 10:00 - Ana: summer"]
    events, _ = whatsapp(tmp_path, *lines, timezone="Europe/Berlin")
    assert [e.at.hour for e in events] == [9, 8]


def test_a_gap_begins_a_session(tmp_path: Path) -> None:
    lines = [f"13/02/24, {hour}:00 - Ana: {hour}" for hour in ("08", "10", "12", "16")]
    assert len({e.session for e in whatsapp(tmp_path, *lines)[0]}) == 1
    sessions = [e.session for e in whatsapp(tmp_path, *lines, gap=4)[0]]
    assert sessions == ["whatsapp 2024-02-13T08:00"] * 3 + ["whatsapp 2024-02-13T16:00"]


def test_a_longer_export_adds_only_what_is_new(tmp_path: Path) -> None:
    lines = [f"13/02/24, 10:0{i // 3} - Ana: ok" for i in range(9)]
    old, _ = whatsapp(tmp_path, *lines[:7])
    new, _ = whatsapp(tmp_path, *lines)
    assert [e.id for e in new[:7]] == [e.id for e in old]
    assert len({e.id for e in new}) == 9


def test_marks_inside_the_words_stay(tmp_path: Path) -> None:
    events, _ = whatsapp(tmp_path, "13/02/24, 10:00 - \u200eAna\u200f: a \u200fb")
    assert [(e.speaker, e.text) for e in events] == [("Ana", "a \u200fb")]


def test_a_message_too_long_is_cut_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remanence.formats.whatsapp.LONGEST", 10)
    events, problems = whatsapp(tmp_path, "13/02/24, 10:00 - Ana: a", "12345", "12345", "12345", "12345")
    assert said(events) == ["a\n12345\n12345"]
    assert [p.line for p in problems] == [4]


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    for wrong in ({"timezone": "Lisbon"}, {"timezone": "../../etc/passwd"}, {"order": "dym"}, {"gap": float("nan")}):
        with pytest.raises(BadConfig):
            WhatsApp(**wrong)  # type: ignore[arg-type]


def test_reading_only_formats_say_so(tmp_path: Path) -> None:
    for format_ in (ChatGPT(), Claude(), WhatsApp()):
        assert not format_.writes
        with pytest.raises(BadInput, match="read, never written"):
            format_.write(tmp_path / "x", [])
