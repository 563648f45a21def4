"""LangChain's own standard tests, and what they do not ask."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import remanence
from remanence.memory import Memory

pytest.importorskip("langchain_core", reason="make test-integrations installs it")
pytest.importorskip("langchain_tests", reason="make test-integrations installs it")

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_tests.integration_tests import (
    BaseStoreAsyncTests,
    BaseStoreSyncTests,
    RetrieversIntegrationTests,
    VectorStoreIntegrationTests,
)

from remanence.integrations.langchain import (
    Embedding,
    RemanenceByteStore,
    RemanenceRetriever,
    RemanenceVectorStore,
)

DAYS = ("2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04")
TOLD = ("I keep bees on the roof.", "My cello is being mended.", "We paddled down the Tagus.", "The bees swarmed.")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with remanence.open(tmp_path / "m.db", embed="hashing", method="dense") as opened:
        yield opened


class TestVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, memory: Memory) -> RemanenceVectorStore:  # type: ignore[override]
        return RemanenceVectorStore(memory)


class TestByteStore(BaseStoreSyncTests[bytes]):
    @pytest.fixture
    def kv_store(self, memory: Memory) -> RemanenceByteStore:
        return RemanenceByteStore(memory)

    @pytest.fixture
    def three_values(self) -> tuple[bytes, bytes, bytes]:
        return b"", b"\x00\xff", "ü".encode()


class TestByteStoreAsync(BaseStoreAsyncTests[bytes]):
    @pytest.fixture
    def kv_store(self, memory: Memory) -> RemanenceByteStore:
        return RemanenceByteStore(memory)

    @pytest.fixture
    def three_values(self) -> tuple[bytes, bytes, bytes]:
        return b"", b"\x00\xff", "ü".encode()


class TestRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def told(self, memory: Memory) -> None:
        self.memory = memory
        for day, text in zip(DAYS, TOLD, strict=True):
            memory.add(text, at=day, user="ana", speaker="Ana")

    @property
    def retriever_constructor(self) -> type[RemanenceRetriever]:
        return RemanenceRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"memory": self.memory}

    @property
    def retriever_query_example(self) -> str:
        return "What is on the roof?"

    def test_it_narrows(self) -> None:
        retriever = RemanenceRetriever(memory=self.memory, k=1, which={"user": "ana"})
        (found,) = retriever.invoke("bees on the roof", between=(DAYS[1], "2024-06-01"))
        assert (found.page_content, found.metadata["speaker"]) == (TOLD[3], "Ana")
        assert self.memory.get(found.metadata["sources"][0]).text == found.page_content
        assert RemanenceRetriever(memory=self.memory, which={"user": "bo"}).invoke("bees") == []

    def test_it_stands_in_a_chain(self) -> None:
        prompt = ChatPromptTemplate.from_template("{recalled}\n\n{question}")
        recalled = RemanenceRetriever(memory=self.memory, k=1) | (lambda found: found[0].page_content)
        chain = {"recalled": recalled, "question": RunnablePassthrough()} | prompt
        assert TOLD[1] in chain.invoke("Who mends the cello?").to_string()


def test_documents_are_filtered_by_what_is_known_of_them(memory: Memory) -> None:
    store = RemanenceVectorStore(memory)
    store.add_texts(list(TOLD), [{"n": n, "even": n % 2 == 0} for n in range(4)], ids=list("abcd"))
    even = store.similarity_search("bees", filter={"even": True})
    assert sorted(document.id or "" for document in even) == ["a", "c"]
    assert [found.id for found in store.similarity_search("bees", filter=lambda d: d.metadata["n"] == 3)] == ["d"]
    assert store.as_retriever(search_kwargs={"k": 1}).invoke(TOLD[2])[0].id == "c"


def test_a_document_that_is_gone_is_found_by_nobody_and_was_there(memory: Memory) -> None:
    store = RemanenceVectorStore(memory)
    store.add_texts([TOLD[0]], ids=["a"])
    store.add_texts(["I sold the hives."], ids=["a"])
    assert [hit.text for hit in memory.search("bees on the roof")] == ["I sold the hives."]
    assert store.delete(["a", "b"]) is False
    assert store.delete() is True
    assert memory.search("bees") == []
    assert [event.text for event in memory.events()][:2] == [TOLD[0], "I sold the hives."]
    memory.rebuild()
    assert store.get_by_ids(["a"]) == []
    assert store.similarity_search("bees") == []


def test_documents_that_say_nothing_are_kept(memory: Memory) -> None:
    store = RemanenceVectorStore(memory)
    store.add_documents([Document(" ", id="blank", metadata={"page": 1})])
    assert store.get_by_ids(["blank"]) == [Document(" ", id="blank", metadata={"page": 1})]


def test_its_embeddings_can_be_ours() -> None:
    embeddings = DeterministicFakeEmbedding(size=30)
    store = RemanenceVectorStore.from_texts(list(TOLD), embeddings, ids=list("abcd"))
    with store.shelf.journal.memory as memory:
        assert memory.status()["embedder"] == "langchain-DeterministicFakeEmbedding-30"
        assert store.similarity_search(TOLD[1], k=1)[0].id == "b"
    lengths = (Embedding(embeddings).embed(TOLD) ** 2).sum(axis=1)
    assert lengths == pytest.approx([1, 1, 1, 1], abs=1e-6)
