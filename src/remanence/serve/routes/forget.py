"""Forgetting what has faded by now. One memory is forgotten by DELETE or PATCH on it."""

from fastapi import APIRouter
from starlette.responses import Response

from remanence.formats.parts.as_json import op_to_json
from remanence.serve.access import Writes
from remanence.serve.answer import answer
from remanence.serve.problem import Problem
from remanence.serve.shapes.history import ForgetAsked, Ops

router = APIRouter(prefix="/v1/forget", tags=["history"])


@router.post("", response_model=Ops)
def forget(access: Writes, body: ForgetAsked) -> Response:
    """Let fade what the method says has faded; each can be undone. With dry_run only say what would."""
    if access.user:
        raise Problem(403, "not allowed", "what fades is everybody's; this key is bound to a user")
    with access.held.changing:
        ops = access.memory.forget(now=body.now or None, dry_run=body.dry_run)
    return answer({"ops": [op_to_json(op) for op in ops]})
