"""Search: the memories that answer best."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from remanence.serve.access import Access, Reads
from remanence.serve.answer import answer, hit_json
from remanence.serve.shapes.search import Hits, Search, SearchQuery

router = APIRouter(prefix="/v1/search", tags=["recall"])


@router.post("", response_model=Hits)
def search(request: Request, access: Reads, body: Search) -> Response:
    """The k memories that answer best, best first, each with the reasons for its score and its sources."""
    return _found(request, access, body)


@router.get("", response_model=Hits)
def search_by_query(request: Request, access: Reads, query: Annotated[SearchQuery, Query()]) -> Response:
    """The same, for a link."""
    return _found(request, access, query)


def _found(request: Request, access: Access, asked: Search | SearchQuery) -> Response:
    hits = access.memory.search(**access.which(**asked.given()))
    if not hits:
        request.app.state.serving.metrics.empty.inc()
    return answer({"hits": [hit_json(hit) for hit in hits]})
