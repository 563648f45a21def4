"""The session inside the real runner with the SDK's scripted model, and what the SDK's own tests do not ask."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import remanence
from remanence.memory import Memory

pytest.importorskip("agents", reason="make test-integrations installs it")

from agents import Agent, RunConfig, Runner, SessionSettings, function_tool
from agents.memory import Session
from agents.testing import ScriptedModel
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from remanence.integrations.openai_agents import RemanenceSession

CALL = {"type": "function_call", "call_id": "1", "name": "weather", "arguments": '{"city": "Lisbon"}'}
OUTPUT = {"type": "function_call_output", "call_id": "1", "output": "Sunny, 24 degrees."}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with remanence.open(tmp_path / "m.db", embed="hashing") as opened:
        yield opened


def message(text: str) -> ResponseOutputMessage:
    said = ResponseOutputText(annotations=[], text=text, type="output_text", logprobs=[])
    return ResponseOutputMessage(id="1", content=[said], role="assistant", status="completed", type="message")


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


@function_tool
def weather(city: str) -> str:
    """The weather somewhere."""
    return f"Sunny in {city}."


def test_a_run_is_remembered_by_the_next_and_by_the_memory(memory: Memory) -> None:
    call = ResponseFunctionToolCall(arguments=CALL["arguments"], call_id="1", name="weather", type="function_call")
    model = ScriptedModel([[call], [message("Bring no umbrella.")], [message("Lisbon.")]])
    agent = Agent(name="guide", model=model, tools=[weather])
    session = RemanenceSession("trip", memory, user="ana")
    asked = "Do I need an umbrella in Lisbon?"
    quiet, again = RunConfig(tracing_disabled=True), RemanenceSession("trip", memory)
    first = asyncio.run(Runner.run(agent, asked, session=session, run_config=quiet))
    second = asyncio.run(Runner.run(agent, "Which city did I name?", session=again, run_config=quiet))
    assert (first.final_output, second.final_output) == ("Bring no umbrella.", "Lisbon.")
    given = model.calls[-1].input
    assert [item.get("type") or item["role"] for item in given] == [
        "user",
        "function_call",
        "function_call_output",
        "message",
        "user",
    ]
    kept = [(event.channel, event.text) for event in memory.events(sessions="trip", user="ana")]
    assert kept == [
        ("user", asked),
        ("tool", 'weather({"city": "Lisbon"})'),
        ("tool", "Sunny in Lisbon."),
        ("assistant", "Bring no umbrella."),
    ]
    assert {hit.text for hit in memory.search("umbrella", k=2, user="ana")} == {asked, "Bring no umbrella."}


def test_it_is_a_session_of_the_protocol(memory: Memory) -> None:
    assert isinstance(RemanenceSession("a", memory), Session)


def test_what_is_taken_back_is_gone_for_the_agent_and_kept(memory: Memory) -> None:
    async def talk() -> None:
        session = RemanenceSession("a", memory)
        await session.add_items([user("bees"), CALL, OUTPUT, user("cello")])
        assert await session.pop_item() == user("cello")
        await session.add_items([user("Tagus")])
        assert await session.get_items() == [user("bees"), CALL, OUTPUT, user("Tagus")]
        assert await session.get_items(2) == [OUTPUT, user("Tagus")]
        assert [hit.text for hit in memory.search("cello")].count("cello") == 0
        await session.clear_session()
        await session.clear_session()
        assert (await session.get_items(), await session.pop_item()) == ([], None)
        await session.add_items([user("bees")])  # said anew
        memory.rebuild()
        assert await session.get_items() == [user("bees")]

    asyncio.run(talk())
    said = [event.meta["item"] for event in memory.events() if "item" in event.meta]
    assert said == [user("bees"), CALL, OUTPUT, user("cello"), user("Tagus"), user("bees")]


def test_the_same_words_twice_are_two_items_in_order(memory: Memory) -> None:
    async def talk() -> list[Any]:
        session = RemanenceSession("a", memory, session_settings=SessionSettings(limit=3))
        await session.add_items([user("yes"), user("yes"), user("no"), user("yes")])
        return await session.get_items()

    assert asyncio.run(talk()) == [user("yes"), user("no"), user("yes")]


def test_what_a_list_of_parts_says_is_its_text(memory: Memory) -> None:
    parts = [{"type": "input_text", "text": "Look:"}, {"type": "input_image", "image_url": "data:..."}]
    items: list[Any] = [{"role": "user", "content": parts}, {"role": "user", "content": ""}]
    session = RemanenceSession("a", memory)
    asyncio.run(session.add_items(items))
    assert asyncio.run(session.get_items()) == items
    assert next(event.text for event in memory.events()) == "Look:"


def test_cancelled_is_done_or_not_begun(memory: Memory) -> None:
    async def cancelled() -> list[Any]:
        session = RemanenceSession("a", memory)
        task = asyncio.create_task(session.add_items([user("bees")]))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await session.get_items()

    assert asyncio.run(cancelled()) == [user("bees")]
