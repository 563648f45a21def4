"""The verbs of a memory over HTTP. Who may ask: test_serve_access.py; what is refused: test_serve_limits.py."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

import remanence
from remanence.errors import Unavailable
from remanence.formats.parts.as_json import record_from_json
from remanence.lm.scripted import Scripted
from remanence.records import Op
from remanence.serve.app import make
from remanence.serve.serving import Serving

SAID = (
    {"text": "I keep bees on the roof.", "at": "2024-05-01", "user": "ana", "speaker": "Ana", "session": "day 1"},
    {"text": "The bees swarmed today.", "at": "2024-05-02", "user": "ana", "speaker": "Ana", "session": "day 1"},
    {"text": "My cello is being mended.", "at": "2024-05-03", "user": "ben", "speaker": "Ben", "session": "day 2"},
)


def opening(path: Path, **how: Any) -> Any:
    return remanence.open(path, embed="hashing", **{"method": "words"} | how)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(make(Serving(tmp_path / "m.db", opening)), base_url="http://localhost") as client:
        yield client


@pytest.fixture
def told(client: TestClient) -> TestClient:
    assert client.post("/v1/memories", json={"memories": SAID}).json()["new"] == len(SAID)
    return client


def only(client: TestClient, text: str) -> dict[str, Any]:
    (found,) = [record for record in client.get("/v1/memories").json()["data"] if record["text"] == text]
    return found


def test_what_is_added_is_found(told: TestClient) -> None:
    hits = told.post("/v1/search", json={"question": "cello", "k": 1}).json()["hits"]
    assert [hit["text"] for hit in hits] == [SAID[2]["text"]]
    assert told.get("/v1/search", params={"question": "cello", "k": 1}).json()["hits"] == hits
    assert hits[0]["why"] and hits[0]["sources"]


def test_one_and_several_and_the_names_other_servers_use(client: TestClient) -> None:
    kept = client.post("/v1/memories?records=true", json={"text": "I sail.", "user_id": "ana"})
    assert (kept.status_code, kept.json()["new"]) == (201, 1)
    assert kept.json()["records"][0]["user"] == "ana"
    assert client.get("/v1/events", params={"user_id": "ana"}).json()["data"][0]["text"] == "I sail."
    again = client.post("/v1/memories", json={"text": "I sail.", "user": "ana", "user_id": "ana"})
    assert again.status_code == 422


def test_a_filter_narrows_as_it_does_in_the_library(told: TestClient) -> None:
    listed = told.get("/v1/memories", params={"speakers": "Ben"}).json()["data"]
    assert [record["text"] for record in listed] == [SAID[2]["text"]]
    days = {"between": ["2024-05-02", "2024-05-03"]}
    assert [e["text"] for e in told.get("/v1/events", params=days).json()["data"]] == [SAID[1]["text"]]
    assert told.post("/v1/search", json={"question": "bees", "user": "ben"} | days).json()["hits"] == []
    assert told.get("/v1/memories", params={"speaker": "Ben"}).status_code == 422  # it is called speakers


def test_words_are_readable_at_once_and_derived_from_later(client: TestClient) -> None:
    kept = client.post("/v1/memories?wait=false", json=SAID[0])
    assert kept.status_code == 202
    (event,) = kept.json()["events"]
    assert client.get(f"/v1/events/{event}").json()["text"] == SAID[0]["text"]
    client.app.state.serving.jobs.get(kept.json()["job"], tenant="", user="").over.wait(10)
    job = client.get(f"/v1/jobs/{kept.json()['job']}").json()
    assert (job["state"], job["result"]) == ("done", {"events": 1})
    assert only(client, SAID[0]["text"])


def test_when_the_model_fails_the_words_are_kept_and_it_is_said(tmp_path: Path) -> None:
    def failing(path: Path) -> Any:
        return opening(path, method="mem0", lm=Scripted({"facts": [Unavailable("no model there")]}))

    with TestClient(make(Serving(tmp_path / "m.db", failing)), base_url="http://localhost") as client:
        kept = client.post("/v1/memories", json=SAID[0])
        assert kept.status_code == 202 and "no model there" in kept.json()["problem"]
        assert client.get(f"/v1/events/{kept.json()['events'][0]}").json()["text"] == SAID[0]["text"]
        assert client.get("/v1/status").json()["pending"] == 1


def test_pages_hold_everything_once(client: TestClient) -> None:
    same = [{"text": f"Note {n}.", "at": "2024-05-01"} for n in range(7)]  # all at one moment
    client.post("/v1/memories", json={"memories": same})
    for path in ("/v1/memories", "/v1/events"):
        seen, cursor, pages = [], "", 0
        while True:
            page = client.get(path, params={"limit": 3, "cursor": cursor}).json()
            seen += [item["text"] for item in page["data"]]
            cursor, pages = page["next_cursor"], pages + 1
            if not page["has_more"]:
                break
            client.post("/v1/memories", json={"text": f"In between {pages}.", "at": "2024-05-01"})
        assert [text for text in seen if text.startswith("Note")] == [said["text"] for said in same]
        assert len(seen) == len(set(seen))
        assert cursor is None


def test_a_cursor_is_of_one_list(told: TestClient) -> None:
    cursor = told.get("/v1/memories", params={"limit": 1}).json()["next_cursor"]
    for path, params in (
        ("/v1/memories", {"user": "ana"}),
        ("/v1/events", {}),
        ("/v1/memories", {"cursor": "nonsense"}),
    ):
        refused = told.get(path, params={"cursor": cursor} | params)
        assert refused.status_code == 400, (path, params)
    told.post("/v1/erase", json={"user": "ben"})
    assert "another list" in told.get("/v1/memories", params={"cursor": cursor}).json()["title"]


def test_an_edit_needs_the_version_that_was_seen(told: TestClient) -> None:
    path = f"/v1/memories/{only(told, SAID[2]['text'])['id']}"
    seen = told.get(path)
    tag = seen.headers["ETag"]
    assert told.get(path, headers={"If-None-Match": tag}).status_code == 304
    store = told.app.state.serving.tenants[""].memory.store
    store.apply([Op("strengthen", seen.json()["id"], read=True)])
    assert told.get(path).json()["reads"] == 1
    assert told.get(path).headers["ETag"] == tag  # being read makes no new version
    edited = told.patch(path, json={"text": "My cello was stolen."}, headers={"If-Match": tag})
    assert (edited.status_code, edited.json()["text"]) == (200, "My cello was stolen.")
    late = told.patch(path, json={"text": "My cello is back."}, headers={"If-Match": tag})
    assert late.status_code == 412 and late.headers["ETag"] != tag
    assert told.delete(path, headers={"If-Match": tag}).status_code == 412
    old = told.get(path).json()
    assert old["superseded_by"] == edited.json()["id"]
    told.get(f"/v1/memories/{edited.json()['id']}").raise_for_status()


def test_pinned_forgotten_and_back(told: TestClient) -> None:
    record = only(told, SAID[0]["text"])
    path, tags = f"/v1/memories/{record['id']}", set()
    for change, listed in (
        ({"pinned": True}, 3),
        ({"forgotten": True}, 2),
        ({"forgotten": False}, 3),
        ({"pinned": False}, 3),
    ):
        changed = told.patch(path, json=change)
        tags.add(changed.headers["ETag"])
        assert len(told.get("/v1/memories").json()["data"]) == listed, change
    assert changed.json()["strength"] == record["strength"]
    assert len(tags) == 3  # pinned, forgotten, pinned again, as it was
    assert told.patch(path, json={"forgotten": False}).status_code == 200  # it is not


def test_what_is_deleted_can_be_had_back(told: TestClient) -> None:
    path = f"/v1/memories/{only(told, SAID[0]['text'])['id']}"
    number = told.delete(path).json()["operation"]
    assert told.delete(path).json()["operation"] == number  # doing it twice does it once
    assert [op["kind"] for op in told.get(f"{path}/history").json()["ops"]] == ["add", "expire"]
    assert told.post("/v1/undo", json={"operation": number}).json()["undoes"] == number
    assert only(told, SAID[0]["text"])
    assert told.post("/v1/undo", json={"operation": 10_000}).status_code == 404


def test_what_is_deleted_for_good_is_gone_from_everything(told: TestClient) -> None:
    kept = told.post("/v1/memories", json={"text": "The code is 7319."}, headers={"Idempotency-Key": "k"}).json()
    told.post("/v1/consolidate?wait=true", json={})
    record = only(told, "The code is 7319.")
    assert told.delete(f"/v1/memories/{record['id']}?for_good=true").json() == {"erased": 1}
    assert told.get(f"/v1/memories/{record['id']}").status_code == 404
    assert told.get(f"/v1/events/{kept['events'][0]}").status_code == 404
    assert told.post("/v1/memories", json=SAID[0], headers={"Idempotency-Key": "k"}).status_code == 201  # forgotten too
    for path in told.app.state.serving.path.parent.rglob("*"):
        assert path.is_dir() or b"7319" not in path.read_bytes(), path


def test_sources_stand_in_their_conversation(told: TestClient) -> None:
    record = only(told, SAID[1]["text"])
    (source,) = told.get(f"/v1/memories/{record['id']}/sources").json()["sources"]
    assert source["event"]["text"][source["start"] : source["end"]] == SAID[1]["text"]
    assert [event["text"] for event in source["before"]] == [SAID[0]["text"]]  # of this session, and before it
    assert source["after"] == []


def test_context_and_ask(told: TestClient) -> None:
    made = told.post("/v1/context", json={"question": "bees", "tokens": 60}).json()
    assert SAID[0]["text"] in made["text"] and made["tokens"] <= 60 and made["hits"]
    reply = told.post("/v1/ask", json={"question": "Who keeps bees?"}).json()
    assert reply["by"] == "rules" and reply["hits"]


def test_the_overview(told: TestClient) -> None:
    names = {(e["name"], e["kind"]): e["count"] for e in told.get("/v1/entities").json()["entities"]}
    assert names == {("Ana", "speaker"): 2, ("Ben", "speaker"): 1}
    assert told.get("/v1/scopes").json()["users"] == [{"name": "ana", "events": 2}, {"name": "ben", "events": 1}]
    record = only(told, SAID[0]["text"])
    graph = told.get("/v1/graph", params={"around": record["id"], "depth": 1}).json()
    assert {node["type"] for node in graph["nodes"]} == {"record", "event"}
    assert [edge["relation"] for edge in graph["edges"]] == ["source"] and graph["complete"]
    small = told.get("/v1/graph", params={"around": record["id"], "limit": 1}).json()
    assert len(small["nodes"]) == 1 and small["edges"] == [] and not small["complete"]


def test_an_export_imported_gives_the_same_memory(told: TestClient, tmp_path: Path) -> None:
    lines = told.get("/v1/export").content
    with TestClient(make(Serving(tmp_path / "other.db", opening)), base_url="http://localhost") as other:
        job = other.post("/v1/import?wait=true", content=lines).json()
        assert job["result"] == {"new": 3, "known": 0, "problems": []}
        held = [[record_from_json(one) for one in c.get("/v1/memories").json()["data"]] for c in (told, other)]
        assert held[0] == held[1]
    part = told.get("/v1/export", params={"user": "ben"}).text.splitlines()
    assert [json.loads(line).get("text") for line in part[1:]] == [SAID[2]["text"]]
    assert told.post("/v1/import", content=b"").status_code == 422
    for body in (b"\x00\x01", b'{"remanence": 99}', b'{"remanence": 1}\n{"type": "event"}'):
        wrong = told.post("/v1/import?wait=true", content=body)
        assert wrong.status_code == 422 and "/" not in wrong.json()["detail"].replace("json/", ""), body


def test_erase_says_first_what_it_would(told: TestClient) -> None:
    assert told.post("/v1/erase", json={}).status_code == 422
    assert told.post("/v1/erase", json={"user": "ana", "dry_run": True}).json() == {"events": 2, "dry_run": True}
    assert told.post("/v1/erase", json={"user": "ana"}).json() == {"events": 2, "dry_run": False}
    assert [event["user"] for event in told.get("/v1/events").json()["data"]] == ["ben"]
    assert told.post("/v1/erase", json={"everything": True}).json()["events"] == 1


def test_jobs_say_what_came_of_them(told: TestClient) -> None:
    begun = told.post("/v1/rebuild", json={"method": "dense"})
    assert begun.status_code == 202 and begun.headers["Location"] == f"/v1/jobs/{begun.json()['id']}"
    done = told.post("/v1/derive?wait=true").json()
    assert [job["kind"] for job in told.get("/v1/jobs").json()["jobs"]] == ["derive", "rebuild"]
    assert done["result"] == {"events": 0}
    assert told.get("/v1/status").json()["method"] == "dense"
    assert told.post("/v1/rebuild", json={"method": "wrods"}).json()["detail"].startswith("no text memory 'wrods'")


def test_the_stream_goes_on_where_it_was_left(told: TestClient) -> None:
    told.app.state.serving.stopping.set()  # what is there, and then the end
    assert told.get("/v1/stream").text == ": from operation 3\n\n"
    told.app.state.serving.stopping.clear()
    from remanence.serve.routes.stream import _since

    class Everybody:
        memory = told.app.state.serving.tenants[""].memory
        sees_op = staticmethod(lambda op: True)

    last, ops = _since(Everybody(), 1)
    assert (last, [op.id for op in ops]) == (3, [2, 3])


def test_half_a_character_in_meta_is_no_failure(client: TestClient) -> None:
    body = b'{"text": "Odd.", "meta": {"odd": "\\ud800"}}'
    kept = client.post("/v1/memories", content=body, headers={"Content-Type": "application/json"})
    assert kept.status_code == 201
    assert client.get(f"/v1/events/{kept.json()['events'][0]}").json()["meta"] == {"odd": "\ud800"}


def test_the_documentation_needs_no_network_and_names_every_route(client: TestClient) -> None:
    page = client.get("/docs")
    assert "script" not in page.text and page.text.count("://") == 0
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for path in client.get("/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in page.text


def test_metrics_count(told: TestClient) -> None:
    told.post("/v1/search", json={"question": "zebra", "user": "nobody"})
    told.get("/nowhere")
    text = told.get("/metrics").text
    assert 'remanence_requests_total{method="POST",route="/v1/memories",status="201"} 1.0' in text
    assert 'route="other",status="404"} 1.0' in text
    assert 'remanence_events{tenant=""} 3.0' in text
    assert "remanence_empty_recalls_total 1.0" in text
