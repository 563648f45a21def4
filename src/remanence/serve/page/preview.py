"""What a model would be given: a question and a budget, and exactly the text that goes into the prompt."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from remanence.serve.page.browse import names
from remanence.serve.page.filters import Narrow
from remanence.serve.page.route import views
from remanence.serve.page.visitor import Looks

router = views()


@router.get("/preview")
def preview(who: Looks, narrow: Narrow, q: str = "", tokens: Annotated[int, Query(ge=1, le=100_000)] = 800) -> Response:
    made = who.access.memory.context(q, tokens, **who.access.which(**narrow.which())) if q.strip() else None
    return who.draw("preview.html", q=q, tokens=tokens, made=made, narrow=narrow, names=names(who.access))
