"""Ask: the answer the language model reads out of what is recalled."""

from fastapi import APIRouter
from starlette.responses import Response

from remanence.serve.access import Reads
from remanence.serve.answer import answer, hit_json
from remanence.serve.shapes.search import Ask, ReplyShape

router = APIRouter(prefix="/v1/ask", tags=["recall"])


@router.post("", response_model=ReplyShape)
def ask(access: Reads, body: Ask) -> Response:
    """The answer, who gave it, and the memories it cites. 422 when the language model cannot answer it."""
    reply = access.memory.ask(**access.which(**body.given()))
    return answer({"text": reply.text, "by": reply.by, "hits": [hit_json(hit) for hit in reply.hits]})
