"""Keys, without their secrets but once."""

from typing import Annotated

from pydantic import Field

from remanence.serve.keys import Right
from remanence.serve.shapes.asked import Body, Name
from remanence.serve.shapes.items import Shape


class KeyAsked(Body):
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    right: Right = "read"
    user: Name = ""
    tenant: Name = ""
    days: Annotated[float, Field(gt=0, le=36_500)] | None = None


class KeyShape(Shape):
    """`secret` is there when the key is made or rotated, and never again."""

    id: str
    name: str
    prefix: str
    right: Right
    tenant: str
    user: str
    created: str
    used: str
    expires: str
    revoked: str
    secret: str = ""


class KeyList(Shape):
    keys: list[KeyShape]
