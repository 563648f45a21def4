"""A memory behind a server, where the server, the key or the line between is bad. The verbs: test_verbs.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("httpx2")

import remanence
from remanence.errors import BadConfig, LMError, NotFound, ReadOnly, StoreError, Unreachable
from remanence.lm.scripted import Scripted
from remanence.plain import event_of
from remanence.remote.client import Remote
from remanence.remote.wire import Wire
from served import served
from wire_server import Handler, Server, raw, serving, status

FOUND = {"hits": []}
BUSY = {"title": "locked", "status": 503, "detail": "another process is writing"}


def drop(handler: Handler) -> None:
    """Hang up in the middle of an answer."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    handler.close_connection = True


def remote(script: Server, **how: Any) -> Remote:
    waits: list[float] = []
    wire = Wire(script.url, "rem_secret", sleep=waits.append, **how)
    wire.waits = waits  # type: ignore[attr-defined]
    return Remote(wire)


def test_what_the_server_puts_off_is_asked_again_when_it_says() -> None:
    with serving(status(503, BUSY, retry_after="7"), status(429, BUSY, retry_after="2"), status(200, FOUND)) as script:
        with remote(script) as memory:
            assert memory.search("bees") == []
            assert memory.wire.waits == [7.0, 2.0]  # type: ignore[attr-defined]
        assert {one["authorization"] for one in script.headers} == {"Bearer rem_secret"}


def test_what_is_put_off_for_ever_is_the_servers_own_error() -> None:
    with serving(status(503, BUSY)) as script, remote(script) as memory:
        with pytest.raises(remanence.errors.Locked, match="another process is writing"):
            memory.undo(1)
        assert len(script.asked) == 4


def test_what_may_have_arrived_is_said_again_only_where_that_does_no_harm() -> None:
    with serving(drop, status(200, {"new": 1, "known": 0})) as script, remote(script) as memory:
        assert memory.add_many([event_of("I sail.")]).new == 1
        assert len(script.asked) == 2
    with serving(drop, status(200, {})) as script, remote(script) as memory:
        with pytest.raises(Unreachable):
            memory.undo(1)
        assert len(script.asked) == 1


def test_who_is_not_there_is_said(tmp_path: Path) -> None:
    with serving(status(200)) as script:
        url = script.url
    memory = Remote(Wire(url, sleep=lambda _: None))
    with pytest.raises(Unreachable, match="is `remanence serve` running there"):
        memory.search("bees")
    with pytest.raises(Unreachable):
        memory.export(tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("act", [raw(b"<html>hello</html>"), status(404, {"error": "?"}), status(302, {}), raw(b"[]")])
def test_another_server_is_known_for_one(act: Any) -> None:
    with serving(act) as script, remote(script) as memory, pytest.raises(StoreError, match="not by a Remanence server"):
        memory.status()


def test_an_address_is_looked_at_before_anything_is_sent() -> None:
    for url in ("http://", "http://ana:secret@localhost:1"):
        with pytest.raises(BadConfig, match="address"):
            remanence.open(url)
    with pytest.raises(BadConfig, match="the server settles method, k"):
        remanence.open("http://localhost:1", method="words", k=3)
    with pytest.raises(BadConfig, match="a file needs no key"):
        remanence.open("m.db", key="rem_x")
    assert "rem_secret" not in repr(Wire("http://localhost:1", "rem_secret"))


# -- a real server ---------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    pytest.importorskip("uvicorn")
    yield tmp_path / "m.db"


def test_what_a_model_could_not_read_is_kept_and_said(path: Path) -> None:
    lm = Scripted({"facts": [LMError("nonsense")]})
    with served(path, method="mem0", lm=lm) as url, remanence.open(url) as memory:
        with pytest.raises(LMError, match="nonsense"):
            memory.add("I keep bees.")
        assert [event.text for event in memory.events()] == ["I keep bees."]
        assert memory.status()["pending"] == 1


def test_a_key_opens_what_it_is_of(path: Path) -> None:
    from remanence.serve.keys import Keys

    with served(path) as url:
        keys = Keys.beside(path)
        of_ana, reads = (keys.make("a", "write", user="ana"), keys.make("b", "read"))
        keys.close()
        with remanence.open(url) as memory, pytest.raises(BadConfig, match="key"):
            memory.status()
        with remanence.open(url, key=of_ana[1]) as memory:
            mine = memory.add("I keep bees.", user="ana")
            with pytest.raises(ReadOnly, match="ana"):
                memory.add("I row.", user="bo")
        with remanence.open(url, key=reads[1]) as memory:
            assert memory.get(mine.id) == mine
            with pytest.raises(ReadOnly, match="right"):
                memory.forget(next(memory.records()).id)
            with pytest.raises(NotFound):
                memory.get("0" * 32)
