"""A memory in LangChain: what it recalls as a retriever, and documents and bytes kept in it.

Idea:    the retriever asks the memory as it is, whatever is in it. A document or a value is a thing on a shelf
         (parts/shelf.py): its text is an event, its metadata the event's meta, and adding it again is a new version.
Cost:    adding and getting read the events of those ids; a search reads the events of all documents in the scope.
Differs: documents are found by their text, by whatever method the memory has: there is no search by vector, hence no
         max_marginal_relevance_search, and a score is on the method's scale.
"""

import base64
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.stores import ByteStore
from langchain_core.vectorstores import VectorStore
from pydantic import ConfigDict, Field

from remanence.embed.base import Base as Embedder
from remanence.embed.base import Vectors
from remanence.integrations.parts.shelf import Held, Shelf, Thing
from remanence.memory import Memory
from remanence.opening import open
from remanence.records import Hit

Wanted = Mapping[str, Any] | Callable[[Document], bool]


class RemanenceRetriever(BaseRetriever):
    """The k memories that answer best. `which` narrows them, as in `Memory.search`: user, sessions, between, ..."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    memory: Memory
    k: int = 10
    which: dict[str, Any] = Field(default_factory=dict)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **given: Any
    ) -> list[Document]:
        hits = self.memory.search(query, given.pop("k", self.k), **self.which | given)
        return [_recalled(hit) for hit in hits]


class RemanenceVectorStore(VectorStore):
    """Documents, each under its id. `filter` of a search is the metadata wanted, or a function of the document."""

    def __init__(self, memory: Memory, *, app: str = "langchain", **scope: str):
        self.shelf = Shelf(memory, app=app, **scope)

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        texts = list(texts)
        named = [id or str(uuid.uuid4()) for id in ids or [None] * len(texts)]
        documents = zip(named, texts, metadatas or [{} for _ in texts], strict=True)
        self.shelf.put(*(Thing(id, [text], {"metadata": about}) for id, text, about in documents))
        return named

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool:
        """Take away these documents, or all of them; whether they were all there."""
        wanted = [*self.shelf.all()] if ids is None else ids
        return len(self.shelf.take_away(*wanted)) == len(set(wanted))

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        held = self.shelf.get(*ids)
        return [_document(held[id]) for id in ids if id in held]

    def similarity_search(
        self, query: str, k: int = 4, *, filter: Wanted | None = None, **kwargs: Any
    ) -> list[Document]:
        return [document for document, _ in self.similarity_search_with_score(query, k, filter=filter)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, *, filter: Wanted | None = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        held = [held for held in self.shelf.all().values() if filter is None or _wanted(_document(held), filter)]
        return [(_document(found), hit.score) for found, hit in self.shelf.find(query, k, held)]

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings | None = None,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        memory: Memory | None = None,
        **kwargs: Any,
    ) -> "RemanenceVectorStore":
        """`memory` embeds by its own means; without one, a temporary memory is opened that embeds by `embedding`."""
        memory = memory or open(embed=Embedding(embedding) if embedding else None)
        store = cls(memory, **kwargs)
        store.add_texts(texts, metadatas, ids=ids)
        return store


class RemanenceByteStore(ByteStore):
    """Bytes under keys, for LangChain's caches. No search finds them."""

    def __init__(self, memory: Memory, *, app: str = "langchain-bytes", **scope: str):
        self.shelf = Shelf(memory, app=app, **scope)

    def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        held = self.shelf.get(*keys)
        return [base64.b64decode(held[key]["bytes"]) if key in held else None for key in keys]

    def mset(self, key_value_pairs: Sequence[tuple[str, bytes]]) -> None:
        said = [(key, base64.b64encode(value).decode()) for key, value in key_value_pairs]
        self.shelf.put(*(Thing(key, [key], {"bytes": text}, found=False) for key, text in said))

    def mdelete(self, keys: Sequence[str]) -> None:
        self.shelf.take_away(*keys)

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        yield from (key for key in self.shelf.all() if key.startswith(prefix or ""))


class Embedding(Embedder):
    """LangChain's embeddings as our embedder: `remanence.open(path, embed=Embedding(OpenAIEmbeddings()))`.

    `name` is that of the model: the store embeds anew when it is opened with another.
    """

    def __init__(self, embeddings: Embeddings, name: str = ""):
        self.embeddings = embeddings
        self.width = len(embeddings.embed_query("width"))
        self.dim = -(-self.width // 8) * 8
        self.id = f"langchain-{name or type(embeddings).__name__}-{self.width}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        if texts:
            vectors[:, : self.width] = self.embeddings.embed_documents(list(texts))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.divide(vectors, lengths, out=vectors, where=lengths > 0)


def _recalled(hit: Hit) -> Document:
    record = hit.record
    about = {"kind": record.kind, "at": hit.at.isoformat(), "speaker": record.speaker, "session": record.session}
    sources = [source.event for source in hit.sources]
    return Document(record.text, id=record.id, metadata={**about, "score": hit.score, "sources": sources})


def _document(held: Held) -> Document:
    return Document(held.text, id=held.name, metadata=dict(held["metadata"]))


def _wanted(document: Document, filter: Wanted) -> bool:
    return filter(document) if callable(filter) else filter.items() <= document.metadata.items()
