"""Work under way."""

from typing import Annotated

from pydantic import Field

from remanence.serve.shapes.asked import Said
from remanence.serve.shapes.items import JobShape, Shape


class Waiting(Said):
    wait: Annotated[bool, Field(description="true: answer when it is done")] = False


class Jobs(Shape):
    jobs: list[JobShape]
