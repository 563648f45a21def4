"""Laws every format keeps, and what the parts they share do with files nobody should have to read."""

import hashlib
import io
import json
import os
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remanence import registry
from remanence.errors import BadInput, NewerVersion
from remanence.formats.base import PATIENCE, Base, Problem
from remanence.formats.parts import json_values, opened
from remanence.formats.parts.detect import detect
from remanence.formats.parts.json_values import moment
from remanence.records import Event

DATA = Path(__file__).parent / "data" / "formats"
SAMPLES = [
    ("chatgpt", "chatgpt/conversations.json"),
    ("claude", "claude/conversations.json"),
    ("jsonl", "messages.jsonl"),
    ("markdown", "notes/2024-03-05-move.md"),
    ("mcp_memory", "mcp_memory.jsonl"),
    ("mem0", "mem0.json"),
    ("whatsapp", "whatsapp_ios.txt"),
    ("whatsapp", "whatsapp_android.txt"),
]
EACH = pytest.mark.parametrize(("name", "sample"), SAMPLES, ids=[sample for _, sample in SAMPLES])


def taken(format_: Base, path: Path) -> tuple[list[Event], list[Problem]]:
    problems: list[Problem] = []
    return list(format_.read(path, problems.append)), problems


def put(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_every_format_has_a_sample() -> None:
    assert {name for name, _ in SAMPLES} == set(registry.names("formats"))


@EACH
def test_reading_twice_gives_the_same_events(name: str, sample: str) -> None:
    first, problems = taken(registry.build("formats", name), DATA / sample)
    again, _ = taken(registry.build("formats", name), DATA / sample)
    assert problems == []
    assert first
    assert [event.id for event in first] == [event.id for event in again]
    assert len({event.id for event in first}) == len(first)


@EACH
def test_a_copy_with_another_age_and_folder_gives_the_same_events(name: str, sample: str, tmp_path: Path) -> None:
    copy = put(tmp_path / Path(sample).name, (DATA / sample).read_bytes())
    os.utime(copy, (1, 1))
    format_ = registry.build("formats", name)
    assert taken(format_, copy) == taken(format_, DATA / sample)


@EACH
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_changes_nothing(name: str, sample: str, encoding: str, tmp_path: Path) -> None:
    text = (DATA / sample).read_bytes().decode()
    copy = put(tmp_path / Path(sample).name, text.encode(encoding))
    format_ = registry.build("formats", name)
    assert format_.recognises(copy)
    assert taken(format_, copy) == taken(format_, DATA / sample)


@EACH
def test_windows_line_ends_change_nothing(name: str, sample: str, tmp_path: Path) -> None:
    copy = put(tmp_path / Path(sample).name, (DATA / sample).read_bytes().replace(b"\n", b"\r\n"))
    format_ = registry.build("formats", name)
    assert taken(format_, copy) == taken(format_, DATA / sample)


@EACH
def test_each_file_is_detected(name: str, sample: str) -> None:
    assert detect(DATA / sample) == name


@pytest.mark.parametrize(("folder", "name"), [("notes", "markdown"), ("chatgpt", "chatgpt"), ("claude", "claude")])
def test_folders_are_detected(folder: str, name: str) -> None:
    assert detect(DATA / folder) == name


def test_our_own_export_is_ours_whatever_it_holds(tmp_path: Path) -> None:
    meta = {"memory": "x", "mapping": 1, "chat_messages": 1, "type": "entity"}
    event = Event("[12/03/2024, 21:15:03] Ana: hi", datetime(2024, 1, 1, tzinfo=UTC), meta=meta)
    registry.build("formats", "jsonl").write(tmp_path / "x.json", [event])
    assert detect(tmp_path / "x.json") == "jsonl"


def test_what_no_format_knows_is_named_with_all_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"--format.*Known: chatgpt \(.json .zip\), .*whatsapp"):
        detect(put(tmp_path / "x.bin", b"\x00\x01\x02"))
    with pytest.raises(BadInput, match="there is no file"):
        detect(tmp_path / "missing")


def test_words_about_a_format_are_not_of_it(tmp_path: Path) -> None:
    path = put(tmp_path / "x.txt", 'The "mapping" and the "chat_messages".')
    assert not any(registry.build("formats", name).recognises(path) for name in registry.names("formats"))


@EACH
def test_progress_ends_where_the_file_does(name: str, sample: str) -> None:
    steps: list[tuple[int, int]] = []
    list(registry.build("formats", name).read(DATA / sample, print, lambda *step: steps.append(step)))
    size = (DATA / sample).stat().st_size
    assert steps[-1] == (size, size)


@EACH
def test_a_missing_file_a_pipe_and_a_folder_of_nothing_are_refused(name: str, sample: str, tmp_path: Path) -> None:
    format_ = registry.build("formats", name)
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "empty").mkdir()
    for wrong in (tmp_path / "missing.md", tmp_path / "pipe.md", Path("/dev/zero"), tmp_path / "empty"):
        assert not format_.recognises(wrong)
        with pytest.raises(BadInput):
            taken(format_, wrong)


@pytest.mark.parametrize("name", [name for name in registry.names("formats") if name != "markdown"])
def test_another_kind_of_file_is_refused_saying_what_was_expected(name: str, tmp_path: Path) -> None:
    format_ = registry.build("formats", name)
    for text in (
        "Dear diary,\ntoday\n",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        '{"a": 1}\n',
        "[1, 2]",
        "\n".join("x" * 2000),
    ):
        with pytest.raises(BadInput, match="expected"):
            taken(format_, put(tmp_path / "x.txt", text))


def test_a_refusal_names_the_first_problem(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", "[1,\n{}\n[2")
    with pytest.raises(BadInput, match=r"expected a JSON object a line .*; .*x.jsonl, item 1: expected a JSON object"):
        taken(registry.build("formats", "jsonl"), path)


def test_patience_ends_only_where_nothing_was_read(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", "x\n" * (PATIENCE + 5))
    problems: list[Problem] = []
    with pytest.raises(BadInput, match=f"line {PATIENCE}:"):
        list(registry.build("formats", "jsonl").read(path, problems.append))
    assert len(problems) == PATIENCE
    path = put(tmp_path / "x.jsonl", '{"text": "a"}\n' + "x\n" * (PATIENCE + 5))
    events, problems = taken(registry.build("formats", "jsonl"), path)
    assert (len(events), len(problems)) == (1, PATIENCE + 5)


def test_a_problem_of_the_whole_file_names_no_line() -> None:
    assert str(Problem("x.md", 0, "damaged")) == "x.md: damaged"


@EACH
def test_an_empty_file_holds_nothing(name: str, sample: str, tmp_path: Path) -> None:
    assert taken(registry.build("formats", name), put(tmp_path / Path(sample).name, "")) == ([], [])


def never_fails(name: str, path: Path) -> None:
    format_ = registry.build("formats", name)
    format_.recognises(path)
    try:
        for event in format_.read_all(path, lambda problem: str(problem)):
            assert event.id
    except (BadInput, NewerVersion):
        pass


@EACH
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_is_reported_or_refused_never_a_crash(
    name: str, sample: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray((DATA / sample).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 20))] = data.draw(
            st.binary(max_size=6)
            | st.sampled_from([b"null", b"[", b"{", b'"', b"1e999", b"NaN", b"\\ud800", b"[[]]", b"-1"])
        )
    never_fails(name, put(tmp_path_factory.mktemp("x") / Path(sample).name, bytes(content)))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(" "),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


def places(value: object) -> list[tuple[object, object]]:
    """Every place in a JSON value: its container and key."""
    pairs = (
        list(value.items() if isinstance(value, dict) else enumerate(value)) if isinstance(value, dict | list) else []
    )
    return [(value, key) for key, _ in pairs] + [place for _, inner in pairs for place in places(inner)]


@pytest.mark.parametrize(("name", "sample"), [pair for pair in SAMPLES if "json" in pair[1]])
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_any_value_in_any_place_is_reported_or_refused_never_a_crash(
    name: str, sample: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = (DATA / sample).read_text(encoding="utf-8")
    lines = sample.endswith(".jsonl")
    value = [json.loads(line) for line in text.splitlines() if line] if lines else json.loads(text)
    holder, key = data.draw(st.sampled_from(places(value)))
    holder[key] = data.draw(VALUES)  # type: ignore[index]
    text = "\n".join(map(json.dumps, value)) if lines else json.dumps(value)
    never_fails(name, put(tmp_path_factory.mktemp("x") / Path(sample).name, text))


# -- streaming -----------------------------------------------------------------------------------------------------

AT = "2024-04-02T09:30:00Z"


def chatgpt(i: int) -> str:
    """A conversation of 100 messages."""

    def node(n: int) -> dict[str, object]:
        said = {"content_type": "text", "parts": [f"number {n}"]}
        return {"message": {"author": {"role": "user"}, "create_time": n, "content": said}, "parent": str(n - 1)}

    return json.dumps({"id": str(i), "mapping": {str(n): node(n) for n in range(100)}, "current_node": "99"})


def claude(i: int) -> str:
    messages = [{"sender": "human", "text": f"number {n}", "created_at": AT} for n in range(100)]
    return json.dumps({"uuid": str(i), "chat_messages": messages}, indent=1)


def entity(i: int) -> str:
    return json.dumps({"type": "entity", "name": f"Ana {i}", "entityType": "person", "observations": ["here"]})


def memory(i: int) -> str:
    return json.dumps({"id": str(i), "memory": f"number {i}", "created_at": AT, "user_id": "ana"})


def whatsapp(i: int) -> str:
    return f"[13/03/2024, {i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}] Ana: number {i} and more"


LARGE: dict[str, Callable[[int], str]] = {
    "chatgpt": lambda n: "[" + ",".join(map(chatgpt, range(n // 100))) + "]",
    "claude": lambda n: "[" + ",".join(map(claude, range(n // 100))) + "]",
    "jsonl": lambda n: "\n".join(f'{{"text": "number {i}, and some more words", "at": {i}}}' for i in range(n)),
    "markdown": lambda n: "\n".join(f"# Section {i}\n\nWords of section {i} that go on and on.\n" for i in range(n)),
    "mcp_memory": lambda n: "\n".join(map(entity, range(n))),
    "mem0": lambda n: '{"results": [' + ",".join(map(memory, range(n))) + "]}",
    "whatsapp": lambda n: "\n".join(map(whatsapp, range(n))),
}


@pytest.mark.parametrize(("name", "n"), [(name, 50_000 if name == "jsonl" else 10_000) for name in LARGE])
def test_memory_stays_flat(name: str, n: int, tmp_path: Path) -> None:
    path = put(tmp_path / ("conversations.json" if name in ("chatgpt", "claude") else "x.md"), LARGE[name](n))
    format_ = registry.build("formats", name)
    tracemalloc.start()
    count = sum(1 for _ in format_.read(path, print))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == n
    assert peak < 1_500_000


# -- files as text -------------------------------------------------------------------------------------------------


def test_bytes_that_are_no_text_are_reported_by_line_and_replaced(tmp_path: Path) -> None:
    jsonl = registry.build("formats", "jsonl")
    path = put(tmp_path / "x.jsonl", b'{"text": "fine \xef\xbf\xbd", "at": 1}\n{"text": "caf\xe9", "at": 2}\n')
    events, problems = taken(jsonl, path)
    assert [event.text for event in events] == ["fine \ufffd", "caf\ufffd"]
    assert problems == [Problem(str(path), 2, "some bytes are not UTF-8; each is now U+FFFD")]
    assert str(problems[0]) == f"{path}, line 2: some bytes are not UTF-8; each is now U+FFFD"


def test_half_a_unit_of_utf_16_is_reported(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", '{"text": "a", "at": 1}\n{"text": "b", "at": 2}\n'.encode("utf-16") + b"\x00")
    events, problems = taken(registry.build("formats", "jsonl"), path)
    assert [event.text for event in events] == ["a", "b"]
    assert [problem.line for problem in problems] == [3, 3]  # the byte, and that no JSON is left


def test_a_line_without_end_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "LONGEST", 100)
    lines = ['{"text": "a", "at": 1}', '{"text": "' + "x" * 1000 + '"}', '{"text": "b", "at": 2}', "x" * 99]
    events, problems = taken(registry.build("formats", "jsonl"), put(tmp_path / "x.jsonl", "\n".join(lines)))
    assert [event.text for event in events] == ["a", "b"]
    assert [problem.line for problem in problems] == [2, 4]
    assert "longer than 100" in problems[0].message


def test_an_item_without_end_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "LONGEST", 100)
    items = [{"text": "a", "at": 1}, {"text": "x" * 300_000}, {"text": "b", "at": 2}]
    events, problems = taken(registry.build("formats", "jsonl"), put(tmp_path / "x.json", json.dumps(items)))
    assert [event.text for event in events] == ["a", "b"]
    assert [(problem.line, problem.unit) for problem in problems] == [(2, "item")]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 16])
@settings(max_examples=40, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=4), indent=st.none() | st.integers(0, 2))
def test_an_array_read_in_chunks_is_the_array(chunk: int, values: list[object], indent: int | None) -> None:
    stream = io.TextIOWrapper(io.BytesIO(json.dumps(values, indent=indent).encode()), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_values, "CHUNK", chunk)
        found = list(json_values.array(opened.Text("x", "", stream, lambda problem: pytest.fail(str(problem)))))
    assert [number for number, _ in found] == list(range(1, len(values) + 1))
    assert json.dumps([value for _, value in found]) == json.dumps(values)


def test_a_bad_item_of_an_array_is_reported_by_number(tmp_path: Path) -> None:
    text = '[{"text": "a", "at": 1}, {"text": oops}, 3, {"text": "b, ]", "at": 2},]'
    path = put(tmp_path / "x.json", text)
    events, problems = taken(registry.build("formats", "jsonl"), path)
    assert [event.text for event in events] == ["a", "b, ]"]
    assert [(problem.unit, problem.line) for problem in problems] == [("item", 2), ("item", 3)]
    assert str(problems[1]) == f"{path}, item 3: expected a JSON object, got int"


@pytest.mark.parametrize("end", ["", ', {"te', ', {"text": "c\\'])
def test_an_array_cut_short_gives_what_is_whole(end: str, tmp_path: Path) -> None:
    text = '[{"text": "a", "at": 1}, {"text": "b", "at": 2}' + end
    events, problems = taken(registry.build("formats", "jsonl"), put(tmp_path / "x.json", text))
    assert [event.text for event in events] == ["a", "b"]
    assert problems[0].message == "the file ends in the middle of the array"
    assert problems[0].line == (3 if end else 2)


@pytest.mark.parametrize(
    "deep", ["[" * 200_000, '{"a":' * 200_000, '{"text": "x", "at": 1, "meta": ' + '{"a":' * 200_000]
)
def test_deep_nesting_is_reported(deep: str, tmp_path: Path) -> None:
    closed = deep + "1" + "".join("]" if c == "[" else "}" for c in reversed(deep) if c in "[{")
    good = '{"text": "good", "at": 1}'
    for text in (f"{good}\n{deep}\n{closed}\n{good}", f"[{good}, {closed}, {good}]"):
        events, problems = taken(registry.build("formats", "jsonl"), put(tmp_path / "x.jsonl", text))
        assert [event.text for event in events] == ["good", "good"]
        assert {problem.line for problem in problems} == ({2} if text[0] == "[" else {2, 3})


def test_meta_that_nests_deep_is_reported(tmp_path: Path) -> None:
    def line(depth: int) -> str:
        return '{"text": "x", "at": 1, "meta": ' + '{"a":' * depth + "1" + "}" * depth + "}"

    events, problems = taken(registry.build("formats", "jsonl"), put(tmp_path / "x.jsonl", f"{line(32)}\n{line(33)}"))
    assert len(events) == 1
    assert [(problem.line, "nested" in problem.message) for problem in problems] == [(2, True)]


def zipped(path: Path, method: int = zipfile.ZIP_DEFLATED, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_json", ".json"), text)
    return path


CONVERSATION = '[{"uuid": "k", "chat_messages": [{"sender": "human", "text": "hi", "created_at": "%s"}]}]'


def test_an_archive_may_hold_several_files_in_folders(tmp_path: Path) -> None:
    one, two = CONVERSATION % "2024-01-01", CONVERSATION % "2024-01-02"
    path = zipped(
        tmp_path / "x.zip",
        a__conversations_json=one,
        b__conversations_json=two,
        users_json="[]",
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/conversations.json", "not for us")
    events, problems = taken(registry.build("formats", "claude"), path)
    assert [event.at.day for event in events] == [1, 2]
    assert problems == []
    assert detect(path) == "claude"


def test_an_archive_without_the_file_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", users_json="[]")
    with pytest.raises(BadInput, match="holds no file called like conversations"):
        taken(registry.build("formats", "claude"), path)


def test_a_chat_in_an_archive_is_detected(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.write(DATA / "whatsapp_ios.txt", "_chat.txt")
    assert detect(tmp_path / "x.zip") == "whatsapp"
    assert len(taken(registry.build("formats", "whatsapp"), tmp_path / "x.zip")[0]) == 4


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", conversations_json=" " * (opened.SMALL + 1))
    assert path.stat().st_size < 50_000
    with pytest.raises(BadInput, match="unpacks to over 200 times its size"):
        taken(registry.build("formats", "claude"), path)


def test_what_declares_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "MOST", 10)
    with pytest.raises(BadInput, match="unpacks to more than"):
        taken(registry.build("formats", "claude"), zipped(tmp_path / "x.zip", conversations_json=CONVERSATION))


def test_other_ways_of_packing_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", zipfile.ZIP_LZMA, conversations_json=CONVERSATION)
    with pytest.raises(BadInput, match="unpack it first"):
        taken(registry.build("formats", "claude"), path)


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", conversations_json=CONVERSATION)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BadInput, match="encrypted"):
        taken(registry.build("formats", "claude"), put(path, bytes(content)))


def test_an_archive_damaged_inside_is_read_up_to_there(tmp_path: Path) -> None:
    texts = [hashlib.sha512(bytes([i])).hexdigest() * 9 for i in range(250)]
    conversations = [{"uuid": t, "chat_messages": [{"sender": "human", "text": t, "created_at": 1}]} for t in texts]
    path = zipped(tmp_path / "x.zip", conversations_json=json.dumps(conversations))
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 255
    events, problems = taken(registry.build("formats", "claude"), put(path, bytes(content)))
    assert 0 < len(events) < 250
    assert "damaged" in problems[0].message


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_archive_never_crashes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = zipped(tmp_path_factory.mktemp("x") / "x.zip", conversations_json=CONVERSATION % "2024-01-01")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    never_fails("claude", put(path, bytes(content)))


# -- times ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        "2024-04-02T09:30:05Z",
        "2024-04-02T11:30:05+02:00",
        "2024-04-02 09:30:05",
        "2024-04-02 09:30:05 UTC",
        1712050205,
        1712050205.0,
        1712050205000,
        1712050205000000,
        1712050205000000000,
        "1712050205",
        "1712050205000",
    ],
)
def test_times_in_many_ways(said: object) -> None:
    assert moment(said) == datetime(2024, 4, 2, 9, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize("said", [None, ""])
def test_no_time(said: object) -> None:
    assert moment(said) is None


@pytest.mark.parametrize(
    "said",
    [
        *(float("nan"), float("inf"), 1e300, -1e300, 10**400, True, [], {}),
        *("9" * 400, "yesterday", "2024-02-30", "0000-01-01", "99999-01-01", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_what_is_no_time(said: object) -> None:
    with pytest.raises(BadInput, match="not a time"):
        moment(said)


def test_8_digits_are_a_date() -> None:
    assert moment("20240402") == datetime(2024, 4, 2, tzinfo=UTC)
