"""Vectors from any OpenAI-compatible /v1/embeddings endpoint.

Idea:    texts go out in batches; what comes back must be as many vectors as texts, all of one length, all finite.
Cost:    one request per `batch` texts.
Differs: the vectors are normalised here whatever the server does. A text of white space is not sent: its row is zeros.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from remanence.embed.base import Base, Vectors
from remanence.errors import BadConfig, BadReply, Unavailable
from remanence.lm.wire.dialects import OpenAI
from remanence.lm.wire.transport import Transport


@dataclass
class Http(Base):
    """`width` is how long the server's vectors are; 0 asks it, the first time somebody wants to know.

    Building one sends nothing. Safe to share between threads.
    """

    model: str
    url: str
    key: str = field(default="", repr=False)
    width: int = 0
    batch: int = 64
    timeout_s: float = 60.0
    retries: int = 3
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        if self.batch < 1 or self.width < 0 or self.width % 8:
            raise BadConfig(f"batch must be at least 1 and width a multiple of 8, got {self.batch} and {self.width}")
        dialect = _Embeddings()
        headers = dialect.headers(self.key)
        self._transport = Transport(
            dialect.address(self.url), headers, self.key, self.timeout_s, self.retries, self.sleep
        )
        self.id = self.model

    @cached_property
    def dim(self) -> int:  # type: ignore[override]  # worked out on first use, then a plain attribute
        """How long the vectors are; a request, when `width` does not say it."""
        return self.width or int(self._ask(["width"]).shape[1])

    def embed(self, texts: Sequence[str]) -> Vectors:
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        rows = [i for i, text in enumerate(texts) if text.strip()]
        for start in range(0, len(rows), self.batch):
            some = rows[start : start + self.batch]
            out[some] = self._ask([texts[i] for i in some])
        return out

    def close(self) -> None:
        """Let go of the connections."""
        self._transport.close()

    def _ask(self, texts: list[str]) -> Vectors:
        reply = self._transport.post({"model": self.model, "input": texts, "encoding_format": "float"})
        if reply.status >= 400:
            said = f"{self._transport.shown} refused the request (HTTP {reply.status}): {str(reply.body)[:300]}"
            raise Unavailable(self._transport.blank(said))
        vectors = _vectors(reply.body, len(texts))
        known = self.width or vars(self).get("dim", 0)
        if known and vectors.shape[1] != known:
            raise BadReply(f"{self.model} gives vectors of length {vectors.shape[1]}, {known} was expected")
        if vectors.shape[1] % 8:
            raise BadReply(f"{self.model} gives vectors of length {vectors.shape[1]}, which is not a multiple of 8")
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = (vectors / np.where(length > 0, length, 1)).astype(np.float32)
        return unit


class _Embeddings(OpenAI):
    ending = "/embeddings"


def _vectors(body: Any, n: int) -> Any:
    """[n, dim] float64 in the order asked, from the reply's `data`, which says its own order in `index`."""
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or len(data) != n:
        got = len(data) if isinstance(data, list) else str(body)[:200]
        raise BadReply(f"asked for {n} vectors, got {got}")
    try:
        ordered = sorted(data, key=lambda row: row.get("index", 0))
        vectors = np.array([row["embedding"] for row in ordered], dtype=np.float64)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadReply(f"the vectors cannot be read ({error}): {str(body)[:200]}") from None
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise BadReply(f"the vectors are not {n} rows of one length: {str(body)[:200]}")
    if not np.isfinite(vectors).all():
        raise BadReply(f"a vector has a number that is not finite: {str(body)[:200]}")
    return vectors
