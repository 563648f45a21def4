"""The page of the integrations runs, with a scripted model where it asks for one."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "integrations.md").read_text(encoding="utf-8")
OPENING, *EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
LANGGRAPH, LANGCHAIN, OPENAI, ANTHROPIC = EXAMPLES


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(OPENING, "integrations.md", "exec"), names)
    with names["memory"]:
        yield names


def run(code: str, names: dict[str, Any]) -> dict[str, Any]:
    exec(compile(code, "integrations.md", "exec"), names)
    return names


def test_langgraph(given: dict[str, Any]) -> None:
    pytest.importorskip("langgraph", reason="make test-integrations installs it")
    assert run(LANGGRAPH, given)["answer"]["messages"][-1].content == "I keep bees on the roof."


def test_langchain(given: dict[str, Any]) -> None:
    pytest.importorskip("langchain_core", reason="make test-integrations installs it")
    names = run(LANGCHAIN, given)
    assert [found.page_content for found in names["recalled"]] == ["My cello is being mended."]
    assert [found.id for found in names["page"]] == ["hives"]


def test_openai_agents(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    testing = pytest.importorskip("agents.testing", reason="make test-integrations installs it")
    monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")
    responses = pytest.importorskip("openai.types.responses")

    def said(text: str) -> Any:
        part = responses.ResponseOutputText(annotations=[], text=text, type="output_text", logprobs=[])
        message = responses.ResponseOutputMessage
        return message(id="1", content=[part], role="assistant", status="completed", type="message")

    model = testing.ScriptedModel([[said("No.")], [said("Lisbon.")]])
    history = run(OPENAI, given | {"model": model})["history"]
    assert [item["role"] for item in history] == ["user", "assistant", "user", "assistant"]
    assert [hit.text for hit in given["memory"].search("umbrella", k=1)] == ["Do I need an umbrella in Lisbon?"]


def test_anthropic(given: dict[str, Any]) -> None:
    anthropic = pytest.importorskip("anthropic", reason="make test-integrations installs it")
    httpx2 = pytest.importorskip("httpx2")
    file = {"command": "create", "path": "/memories/ana.md", "file_text": "Ana keeps bees."}
    replies = [{"type": "tool_use", "id": "1", "name": "memory", "input": file}, {"type": "text", "text": "Noted."}]

    def answered(request: Any) -> Any:
        content = replies.pop(0)
        stopped = "tool_use" if content["type"] == "tool_use" else "end_turn"
        reply = {"id": "msg", "type": "message", "role": "assistant", "model": "scripted", "content": [content]}
        return httpx2.Response(200, json={**reply, "stop_reason": stopped, "usage": {"input_tokens": 1}})

    transport = httpx2.Client(transport=httpx2.MockTransport(answered))
    with anthropic.Anthropic(api_key="none", http_client=transport) as client:
        assert run(ANTHROPIC, given | {"client": client})["reply"].content[0].text == "Noted."
    assert [hit.text for hit in given["memory"].search("Who keeps bees?", user="ana")] == ["Ana keeps bees."]
