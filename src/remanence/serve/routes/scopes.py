"""Scopes: whose memories there are."""

from collections import Counter
from contextlib import closing
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from remanence.serve.access import Reads
from remanence.serve.answer import answer
from remanence.serve.shapes.overview import Scopes
from remanence.store.schema import connect, speaking_plainly

router = APIRouter(prefix="/v1/scopes", tags=["overview"])
COUNTS = """
    SELECT scope.user, scope.agent, scope.run, scope.app, count(*)
    FROM event e JOIN session s ON s.id = e.session JOIN scope ON scope.id = s.scope
    WHERE ? IN ('', scope.user) GROUP BY scope.id
"""


@router.get("", response_model=Scopes)
def scopes(access: Reads) -> Response:
    """The users, agents, runs and apps that events are of, each with how many."""
    path = access.path
    with closing(connect(path, read_only=True)) as db, speaking_plainly(path):
        rows = db.execute(COUNTS, (access.user,)).fetchall()
    return answer({name: _counted(rows, column) for column, name in enumerate(("users", "agents", "runs", "apps"))})


def _counted(rows: list[tuple[Any, ...]], column: int) -> list[dict[str, object]]:
    found: Counter[str] = Counter()
    for row in rows:
        if row[column]:
            found[row[column]] += row[-1]
    return [{"name": name, "events": n} for name, n in sorted(found.items(), key=lambda item: (-item[1], item[0]))]
