"""Docs: every route on one page that needs no network and no script."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from jinja2 import Environment
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).parents[1]
METHODS = ("get", "post", "patch", "delete")


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """The page, from what /openapi.json says."""
    schema: dict[str, Any] = request.app.openapi()
    routes = [
        {"path": path, "method": method.upper(), "said": said, "fields": _fields(schema, said)}
        for path, methods in schema["paths"].items()
        for method, said in methods.items()
        if method in METHODS
    ]
    style = (FOLDER / "docs.css").read_text(encoding="utf-8")
    page = Environment(autoescape=True).from_string((FOLDER / "docs.html").read_text(encoding="utf-8"))
    html = page.render(title=schema["info"]["title"], version=schema["info"]["version"], routes=routes, style=style)
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"})


def _fields(schema: dict[str, Any], said: dict[str, Any]) -> list[dict[str, Any]]:
    """What a request may say: name, where, type, and what it is."""
    fields = [
        {"name": p["name"], "where": p["in"], "type": _type(p["schema"]), "needed": p.get("required", False)}
        | {"what": p.get("description") or p["schema"].get("description", "")}
        for p in said.get("parameters", ())
    ]
    for content in said.get("requestBody", {}).get("content", {}).values():
        for shape in _shapes(schema, content.get("schema", {})):
            needed = shape.get("required", ())
            fields += [
                {"name": name, "where": "body", "type": _type(is_), "needed": name in needed}
                | {"what": is_.get("description", "")}
                for name, is_ in shape.get("properties", {}).items()
            ]
    return fields


def _shapes(schema: dict[str, Any], said: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects a schema may mean, with what it refers to looked up."""
    if "$ref" in said:
        return _shapes(schema, schema["components"]["schemas"][said["$ref"].rpartition("/")[2]])
    either = [*said.get("oneOf", ()), *said.get("anyOf", ())]
    return [shape for one in either for shape in _shapes(schema, one)] if either else [said]


def _type(said: dict[str, Any]) -> str:
    if "$ref" in said:
        return str(said["$ref"].rpartition("/")[2])
    if "enum" in said:
        return " | ".join(map(str, said["enum"]))
    if "anyOf" in said:
        return " | ".join(map(_type, said["anyOf"]))
    inner = f" of {_type(said['items'])}" if "items" in said else ""
    return f"{said.get('type', 'any')}{inner}"
