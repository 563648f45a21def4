"""Each integration over a memory that a server holds: what it does on this machine it does there."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import remanence
from remanence.memory import Memory

pytest.importorskip("uvicorn", reason="make test-integrations installs it")

from served import served


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with served(tmp_path / "m.db") as url, remanence.open(url) as opened:
        yield opened


def test_langgraph(memory: Memory) -> None:
    pytest.importorskip("langgraph", reason="make test-integrations installs it")
    from remanence.integrations.langgraph import RemanenceStore

    store = RemanenceStore(memory, user="ana")
    store.put(("notes",), "a", {"text": "I keep bees on the roof."})
    store.put(("notes",), "a", {"text": "I keep goats in the yard."})
    store.put(("notes",), "b", {"text": "My cello is being mended."}, index=False)
    assert [(item.key, item.score is None) for item in store.search((), query="goats")] == [("a", False), ("b", True)]
    assert [hit.text for hit in memory.search("bees on the roof")] == ["I keep goats in the yard."]
    store.delete(("notes",), "a")
    assert store.list_namespaces() == [("notes",)]
    assert [item.key for item in store.search(("notes",))] == ["b"]


def test_langchain(memory: Memory) -> None:
    pytest.importorskip("langchain_core", reason="make test-integrations installs it")
    from remanence.integrations.langchain import RemanenceByteStore, RemanenceRetriever, RemanenceVectorStore

    store, values = RemanenceVectorStore(memory), RemanenceByteStore(memory)
    store.add_texts([f"This is page {n}." for n in range(250)], ids=[str(n) for n in range(250)])
    store.delete([str(n) for n in range(249)])
    assert [document.id for document in store.similarity_search("page")] == ["249"]
    assert [document.page_content for document in RemanenceRetriever(memory=memory).invoke("page")] == [
        "This is page 249."
    ]
    values.mset([("k", b"\x00\xff")])
    assert values.mget(["k", "l"]) == [b"\x00\xff", None]


def test_openai_agents(memory: Memory) -> None:
    pytest.importorskip("agents", reason="make test-integrations installs it")
    from remanence.integrations.openai_agents import RemanenceSession

    async def talk() -> None:
        session = RemanenceSession("a", memory)
        await session.add_items([{"role": "user", "content": "bees"}, {"role": "user", "content": "cello"}])
        assert await session.pop_item() == {"role": "user", "content": "cello"}
        assert await session.get_items() == [{"role": "user", "content": "bees"}]

    asyncio.run(talk())


def test_anthropic_memory(memory: Memory) -> None:
    pytest.importorskip("anthropic", reason="make test-integrations installs it")
    from remanence.integrations.anthropic_memory import RemanenceMemoryTool

    tool = RemanenceMemoryTool(memory)
    tool.call({"command": "create", "path": "/memories/a/b.txt", "file_text": "bees\n"})
    tool.call({"command": "create", "path": "/memories/empty", "file_text": ""})
    tool.call({"command": "rename", "old_path": "/memories/a", "new_path": "/memories/ü"})
    assert tool.call({"command": "view", "path": "/memories"}).split("\n")[1:] == [
        "4K\t/memories",
        "0B\t/memories/empty",
        "4K\t/memories/ü/",
        "5B\t/memories/ü/b.txt",
    ]
