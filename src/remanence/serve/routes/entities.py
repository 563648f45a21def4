"""Entities: the names a memory knows."""

from collections import Counter
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from starlette.responses import Response

from remanence.plain import filter_of
from remanence.records import Filter
from remanence.serve.access import Reads
from remanence.serve.answer import answer
from remanence.serve.shapes.overview import Entities, EntitiesAsked
from remanence.store.base import Base as Store

router = APIRouter(prefix="/v1/entities", tags=["overview"])
STATEMENTS = ("fact", "triple")  # kinds whose meta names a subject
ALL = 2**62


@router.get("", response_model=Entities)
def entities(access: Reads, asked: Annotated[EntitiesAsked, Query()]) -> Response:
    """Speakers, entities and subjects of facts, the most frequent first."""
    which = asked.given()
    limit = which.pop("limit", asked.limit)
    counted = _counted(access.memory.store, filter_of(**access.which(**which)))
    best = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:limit]
    return answer({"entities": [{"name": name, "kind": kind, "count": n} for (name, kind), n in best]})


def _counted(store: Store, allowed: Filter) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    columns = store.columns(store.newest(allowed, ALL).rows)
    for name in store.names("speaker"):
        found[name, "speaker"] += int((columns.speaker == store.number("speaker", name)).sum()) if name else 0
    named = columns.rows[columns.kind == store.number("kind", "entity")]
    found.update((text, "entity") for text in store.texts(named.tolist()).values())
    for kind in STATEMENTS:
        metas = store.metas(kind)
        held = np.isin([row for row, *_ in metas], columns.rows)
        subjects = [str(meta.get("subject", "")) for (_, _, meta), keep in zip(metas, held, strict=True) if keep]
        found.update((subject, "subject") for subject in subjects if subject)
    return +found
