"""Context: the memories that answer best, as text for a prompt."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from remanence.serve.access import Reads
from remanence.serve.answer import answer, hit_json
from remanence.serve.shapes.search import ContextAsked, ContextShape

router = APIRouter(prefix="/v1/context", tags=["recall"])


@router.post("", response_model=ContextShape)
def context(request: Request, access: Reads, body: ContextAsked) -> Response:
    """The memories that answer best as text for a prompt: dated, cited, at most about this many tokens."""
    made = access.memory.context(**access.which(**body.given()))
    if not made.hits:
        request.app.state.serving.metrics.empty.inc()
    return answer({"text": made.text, "tokens": made.tokens, "hits": [hit_json(hit) for hit in made.hits]})
