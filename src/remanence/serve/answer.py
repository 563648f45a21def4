"""Answers as JSON: the same names as an export."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from remanence.formats.parts.as_json import record_to_json
from remanence.records import Hit


def answer(data: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(encoded(data), status, dict(headers or {}), "application/json")


def encoded(data: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # half a character inside meta
        return json.dumps(data, allow_nan=False).encode()


def hit_json(hit: Hit) -> dict[str, Any]:
    """The record, its score, and what each signal added to it."""
    why = {signal: float(value) for signal, value in hit.why.items()}
    return {"score": float(hit.score), "why": why} | record_to_json(hit.record)
