"""JSON out of a model's reply, and whether it has the shape that was asked for.

Idea:    models wrap JSON in thoughts, fences and politeness: take those off, then check every field against the schema.
Differs: knows the part of JSON Schema that our questions use: object, array, string, integer, number, boolean, enum,
         required. Fields beyond the schema are let pass.
"""

import json
import re
from typing import Any

Schema = dict[str, Any]

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_THOUGHT_END = re.compile(r".*</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"```(?:json|JSON)?\s*\n?(.*?)```", re.DOTALL)
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def strict(**fields: Schema) -> Schema:
    """An object with exactly these fields, in the dialect that strict modes accept."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def many(item: Schema) -> Schema:
    """An array of such items."""
    return {"type": "array", "items": item}


def parsed(reply: str) -> Any:
    """The JSON value in the reply; ValueError says why there is none."""
    text = _THOUGHT_END.sub("", _THOUGHT.sub("", reply)).strip()
    candidates = [text, *(m.group(1).strip() for m in _FENCED.finditer(text))]
    for candidate in candidates:
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    for start in (m.start() for m in re.finditer(r"[{\[]", text[:20_000])):
        try:
            return json.JSONDecoder().raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            continue
    raise ValueError("the reply is not JSON" if text else "the reply is empty")


def problem(value: Any, schema: Schema, where: str = "the reply") -> str:
    """What is wrong with the value, in words a model can act on; empty when nothing is."""
    kind: str = schema["type"]
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return f"{where} must be of type {kind}, got {json.dumps(value)[:80]}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} must be one of {', '.join(schema['enum'])}, got {value!r}"
    if kind == "object" and isinstance(value, dict):
        for name, inner in schema["properties"].items():
            if name not in value:
                return f"{where} lacks the field {name!r}"
            if wrong := problem(value[name], inner, f"{name!r} in {where}"):
                return wrong
    if kind == "array" and isinstance(value, list):
        for i, item in enumerate(value):
            if wrong := problem(item, schema["items"], f"item {i + 1} of {where}"):
                return wrong
    return ""
