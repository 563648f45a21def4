"""The HTTP embedder against a real server that miscounts, shuffles, sends NaN and falls over."""

import json
from typing import Any

import numpy as np
import pytest

from remanence.embed.http import Http
from remanence.errors import BadConfig, BadReply, Unavailable
from wire_server import Act, Handler, cut, raw, serving, status

KEY = "sk-very-secret-0123456789"


def row(text: str, dim: int = 8) -> list[float]:
    """A vector of length 2 whose direction says how long the text is."""
    return [2.0 if i == len(text) % dim else 0.0 for i in range(dim)]


def echo(h: Handler) -> None:
    texts = h.script.asked[-1]["input"]
    rows = [{"index": i, "embedding": row(t)} for i, t in enumerate(texts)]
    h.send(200, {"data": rows[::-1]})  # the order is said by the index alone


def sending(data: Any) -> Act:
    return lambda h: h.send(200, json.dumps({"data": data}).encode())


def test_vectors_come_in_order_in_batches_and_with_length_one() -> None:
    texts = ["a", "bb", "", "ccc", " \n", "dddd", "eeeee"]
    with serving(echo) as server:
        embed = Http("m", server.url, KEY, width=8, batch=2)
        found = embed.embed(texts)
        assert embed.embed([]).shape == (0, 8)
        embed.close()
    assert found.dtype == np.float32 and found.shape == (7, 8)
    for vector, text in zip(found, texts, strict=True):
        assert vector.tolist() == [x / 2 if text.strip() else 0.0 for x in row(text)]
    assert [body["input"] for body in server.asked] == [["a", "bb"], ["ccc", "dddd"], ["eeeee"]]
    assert server.paths[0] == "/v1/embeddings" and server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert embed.id == "m" and KEY not in repr(embed)


def test_the_width_is_asked_once_and_only_when_needed() -> None:
    with serving(echo) as server:
        embed = Http("m", server.url)
        assert server.asked == []
        assert (embed.dim, embed.dim, len(server.asked)) == (8, 8, 1)
        embed.close()


GOOD = [{"index": 0, "embedding": row("a")}, {"index": 1, "embedding": row("b")}]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (GOOD[:1], "asked for 2 vectors, got 1"),
        ([*GOOD, *GOOD], "asked for 2 vectors, got 4"),
        (None, "asked for 2 vectors"),
        ([GOOD[0], {"index": 1, "embedding": [1.0] * 16}], "cannot be read"),
        ([GOOD[0], {"index": 1}], "cannot be read"),
        ([GOOD[0], 3], "cannot be read"),
        ([{"embedding": "AAAA"}] * 2, "cannot be read"),
        ([{"embedding": []}] * 2, "not 2 rows"),
        ([{"embedding": [[1.0] * 8]}] * 2, "not 2 rows"),
        ([GOOD[0], {"index": 1, "embedding": [float("nan")] * 8}], "not finite"),
        ([GOOD[0], {"index": 1, "embedding": [float("inf")] * 8}], "not finite"),
        ([{"embedding": [1.0] * 16}] * 2, "length 16, 8 was expected"),
    ],
)
def test_vectors_that_cannot_be_are_a_bad_reply(data: Any, reason: str) -> None:
    with serving(sending(data)) as server:
        embed = Http("m", server.url, width=8)
        with pytest.raises(BadReply, match=reason):
            embed.embed(["a", "b"])
        embed.close()


def test_a_width_that_bytes_cannot_hold_is_refused() -> None:
    with serving(sending([{"embedding": [1.0] * 12}])) as server:
        embed = Http("m", server.url)
        with pytest.raises(BadReply, match="not a multiple of 8"):
            _ = embed.dim
        embed.close()
    for settings in ({"width": 12}, {"width": -8}, {"batch": 0}):
        with pytest.raises(BadConfig, match="multiple of 8"):
            Http("m", "http://h", **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [status(500), status(429, retry_after="3"), cut(b'{"da', 99), raw(b"<html>")])
def test_trouble_that_passes_is_waited_out(bad: Act) -> None:
    waits: list[float] = []
    with serving(bad, echo) as server:
        embed = Http("m", server.url, width=8, sleep=waits.append)
        assert embed.embed(["a"]).any() and len(waits) == 1
        embed.close()


def test_a_refusal_is_said_without_the_key() -> None:
    for code in (400, 401):
        with serving(status(code, {"error": {"message": f"no model for {KEY}"}})) as server:
            embed = Http("m", server.url, KEY, width=8)
            with pytest.raises(Unavailable, match=rf"HTTP {code}.*no model for \*\*\*") as caught:
                embed.embed(["a"])
            embed.close()
        assert KEY not in str(caught.value)


def test_a_vector_of_zeros_stays_zeros() -> None:
    with serving(sending([{"embedding": [0.0] * 8}])) as server:
        embed = Http("m", server.url, width=8)
        assert not embed.embed(["a"]).any()
        embed.close()
