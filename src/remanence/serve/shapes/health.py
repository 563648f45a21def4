"""How the server does, and what a memory holds."""

from remanence.serve.shapes.items import Shape


class Health(Shape):
    status: str


class Status(Shape):
    events: int
    records: int
    method: str
