"""The memory tool answers what the SDK's own tool for files on a disk answers, and remembers it."""

import json
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import remanence
from remanence.memory import Memory

anthropic = pytest.importorskip("anthropic", reason="make test-integrations installs it")
tools = pytest.importorskip("anthropic.lib.tools._beta_builtin_memory_tool")

from anthropic.lib.tools import ToolError  # noqa: E402

from remanence.integrations.anthropic_memory import RemanenceMemoryTool  # noqa: E402

REFUSED = "refused by the disk"
SIZE_OF_FOLDER = re.compile(r"^[\d.]+[BKMG](?=\t.*/$)", re.MULTILINE)
SIZE_OF_TOP = re.compile(r"(?<=excluding hidden items:\n)[\d.]+[BKMG]")

NAMES = st.sampled_from(["a", "b", "ü.txt", ".hidden"])
ODD = ["/memories/", "/memories//a", "/memories/a/", "/memories/a/../b", "/memories/../memories/a", "/memoriesa"]
WRONG = ["", "/", "memories/a", "/etc/passwd", "/memories/..", "/memories/../etc", "/memories/../../memories"]
PATHS = st.one_of(
    NAMES.map("/memories/{}".format),
    st.lists(NAMES, max_size=4).map(lambda parts: "/".join(["/memories", *parts])),
    st.sampled_from([*ODD, *WRONG]),
)
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30),
    st.text("ab\n ", max_size=12),
    st.integers(1000, 2200).map(lambda n: "x\n" * n),
)
COMMANDS = st.one_of(
    st.fixed_dictionaries({"command": st.just("view"), "path": PATHS}),
    st.builds(
        lambda path, span: {"command": "view", "path": path, "view_range": span},
        PATHS,
        st.lists(st.integers(-3, 9), max_size=3),
    ),
    st.fixed_dictionaries({"command": st.just("create"), "path": PATHS, "file_text": TEXTS}),
    st.fixed_dictionaries(
        {"command": st.just("str_replace"), "path": PATHS, "old_str": st.text("ab\n ", max_size=2), "new_str": TEXTS}
    ),
    st.fixed_dictionaries(
        {"command": st.just("insert"), "path": PATHS, "insert_line": st.integers(-1, 5), "insert_text": TEXTS}
    ),
    st.fixed_dictionaries({"command": st.just("delete"), "path": PATHS}),
    st.fixed_dictionaries({"command": st.just("rename"), "old_path": PATHS, "new_path": PATHS}),
)


def answer(tool: Any, command: dict[str, Any]) -> str:
    try:
        return SIZE_OF_TOP.sub("4K", SIZE_OF_FOLDER.sub("4K", tool.call(dict(command))))
    except ToolError as error:
        return f"ToolError: {error}"
    except OSError:
        return REFUSED


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memory]:
    with remanence.open(tmp_path_factory.mktemp("m") / "m.db", embed="hashing", method="words") as opened:
        yield opened


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[RemanenceMemoryTool]:
    with remanence.open(tmp_path / "m.db", embed="hashing") as opened:
        yield RemanenceMemoryTool(opened, user="ana")


def written(text: str, **command: Any) -> list[dict[str, Any]]:
    """A file, a folder with a file, and what is done then."""
    files = {"/memories/a": text, "/memories/b/a": "x" * 1500, "/memories/b/.hidden/a": ""}
    made = [{"command": "create", "path": path, "file_text": said} for path, said in files.items()]
    return [*made, {"path": "/memories/a", **command}]


@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
@given(commands=st.lists(COMMANDS, min_size=1, max_size=12))
@example(written("b\naaaa", command="str_replace", old_str="aa", new_str="b"))
@example(written("1\n2\n3\n4\n5\n6\n7", command="str_replace", old_str="4", new_str="\n"))
@example(written("1\n2\n3", command="view", view_range=[-1, 2]))
@example(written("1\n2\n3\n", command="view", view_range=[2, -1]))
@example(written("1\n\n", command="insert", insert_line=2, insert_text="x\n\n"))
@example(written("", command="delete", path="/memories/b"))
@example(written("", command="rename", old_path="/memories/b", new_path="/memories/c/b"))
@example(written("", command="rename", old_path="/memories/b", new_path="/memories/b/c"))
@example(written("", command="create", path="/memories/a/b", file_text="x"))
def test_it_answers_as_files_on_a_disk_do(memory: Memory, tmp_path: Path, commands: list[Any]) -> None:
    shutil.rmtree(tmp_path / "theirs", ignore_errors=True)
    theirs = tools.BetaLocalFilesystemMemoryTool(str(tmp_path / "theirs"))
    ours = RemanenceMemoryTool(memory, run=uuid.uuid4().hex)
    for command in [*commands, {"command": "view", "path": "/memories"}, {"command": "view", "path": "/memories/b"}]:
        told = answer(theirs, command)
        if told == REFUSED:
            assert answer(ours, command).startswith("ToolError")
        else:
            assert answer(ours, command) == told


def test_nothing_is_lost_and_what_a_file_says_is_found(tool: RemanenceMemoryTool) -> None:
    memory, path = tool.shelf.journal.memory, "/memories/ana.md"
    tool.call({"command": "create", "path": path, "file_text": "Ana keeps bees."})
    tool.call({"command": "str_replace", "path": path, "old_str": "bees", "new_str": "goats"})
    assert [hit.text for hit in memory.search("Who keeps goats?", user="ana")] == ["Ana keeps goats."]
    tool.call({"command": "delete", "path": path})
    assert memory.search("Who keeps goats?") == []
    assert [event.text for event in memory.events(sessions=path)][:2] == ["Ana keeps bees.", "Ana keeps goats."]
    memory.rebuild()  # derives from every event anew: what was deleted stays so
    with pytest.raises(ToolError, match=f"The path {path} does not exist"):
        tool.call({"command": "view", "path": path})


def test_a_file_of_one_user_is_none_of_another(tool: RemanenceMemoryTool) -> None:
    tool.call({"command": "create", "path": "/memories/a", "file_text": "canary"})
    other = RemanenceMemoryTool(tool.shelf.journal.memory, user="bo")
    assert other.call({"command": "view", "path": "/memories"}).endswith("\n4K\t/memories")
    with pytest.raises(ToolError):
        other.call({"command": "delete", "path": "/memories/a"})


def test_all_is_cleared(tool: RemanenceMemoryTool) -> None:
    tool.call({"command": "create", "path": "/memories/a/b", "file_text": "x"})
    assert tool.clear_all_memory() == "All memory cleared"
    assert tool.call({"command": "view", "path": "/memories"}).endswith("\n4K\t/memories")


def test_the_client_runs_it(tool: RemanenceMemoryTool) -> None:
    """A model that writes a file, reads it back, and says what it read."""
    httpx2 = pytest.importorskip("httpx2")
    steps = [
        {"command": "create", "path": "/memories/ana.md", "file_text": "Ana keeps bees."},
        {"command": "view", "path": "/memories/ana.md"},
        {"command": "view", "path": "/memories/bo.md"},
    ]
    asked: list[Any] = []

    def answered(request: Any) -> Any:
        asked.append(json.loads(request.content))
        step = len(asked) - 1
        last = step == len(steps)
        used = {"type": "tool_use", "id": f"toolu_{step}", "name": "memory", "input": None if last else steps[step]}
        content = {"type": "text", "text": "Bees."} if last else used
        reply = {"id": "msg", "type": "message", "role": "assistant", "model": "scripted", "content": [content]}
        usage = {"input_tokens": 1, "output_tokens": 1}
        return httpx2.Response(200, json={**reply, "stop_reason": "end_turn" if last else "tool_use", "usage": usage})

    client = anthropic.Anthropic(api_key="none", http_client=httpx2.Client(transport=httpx2.MockTransport(answered)))
    messages = [{"role": "user", "content": "What does Ana keep?"}]
    with client:
        run = client.beta.messages.tool_runner(model="scripted", max_tokens=99, messages=messages, tools=[tool])
        assert run.until_done().content[0].text == "Bees."
    assert asked[0]["tools"] == [{"type": "memory_20250818", "name": "memory"}]
    results = [question["messages"][-1]["content"][0] for question in asked[1:]]
    assert [result["content"] for result in results[:2]] == [
        "File created successfully at: /memories/ana.md",
        "Here's the content of /memories/ana.md with line numbers:\n     1\tAna keeps bees.",
    ]
    assert results[2]["is_error"] is True
