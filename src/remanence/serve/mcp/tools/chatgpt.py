"""The two tools that ChatGPT's connectors and deep research ask for, in exactly their shapes.

Source:  OpenAI's guide for MCP servers: `search(query)` gives results of id, title, text and url, `fetch(id)` one
         document of id, title, text, url and metadata; both also as JSON text.
"""

import json
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from remanence.records import Event, Record
from remanence.serve.mcp.reach import Reach
from remanence.serve.mcp.told import Told
from remanence.serve.mcp.tool import Tool

RESULTS, TITLE = 10, 80  # how many; characters


class Result(TypedDict):
    id: str
    title: str
    text: str
    url: str


class Results(TypedDict):
    results: list[Result]


class Document(TypedDict):
    id: str
    title: str
    text: str
    url: str
    metadata: dict[str, str]


def search(reach: Reach, query: Annotated[str, Field(description="What to look for.")]) -> Told[Results]:
    """Search the memories; fetch gives one of them in full."""
    hits = reach.memory.search(query, RESULTS, **reach.within())
    data: Results = {"results": [_result(hit.record) for hit in hits]}
    return Told(data, json.dumps(data, ensure_ascii=False))


def fetch(reach: Reach, id: Annotated[str, Field(description="Id of a result.")]) -> Told[Document]:
    """One memory in full, with what was said when it was learned."""
    record = reach.record(id)
    data: Document = {**_result(record), "metadata": _metadata(record)}
    said = [event for source in record.sources if isinstance(event := reach.memory.get(source.event), Event)]
    told = dict.fromkeys(f"[{event.at:%Y-%m-%d}] {event.speaker}: {event.text}" for event in said if reach.sees(event))
    data["text"] = "\n\n".join([record.text, *told])
    return Told(data, json.dumps(data, ensure_ascii=False))


def _result(record: Record) -> Result:
    text = " ".join(record.text.split())
    title = text if len(text) <= TITLE else text[: TITLE - 1].rstrip() + "…"
    return {"id": record.id, "title": title, "text": record.text, "url": f"memory://record/{record.id}"}


def _metadata(record: Record) -> dict[str, str]:
    said = {"kind": record.kind, "at": record.valid_from.isoformat(), "speaker": record.speaker}
    said |= {"until": record.valid_to.isoformat() if record.valid_to else "", "session": record.session}
    return {name: value for name, value in said.items() if value}


TOOLS = (Tool(search, reads=True), Tool(fetch, reads=True))
