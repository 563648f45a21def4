"""Taking memories out, in, and away."""

from typing import Annotated

from pydantic import Field

from remanence.serve.shapes.asked import FilterBody, FilterQuery, Name, Said, ScopeAsked
from remanence.serve.shapes.items import Shape


class ExportAsked(FilterQuery):
    pass


class ImportAsked(ScopeAsked):
    """`format` where it cannot be told from the body; the scope is for what the body gives none."""

    format: Name = ""
    wait: Annotated[bool, Field(description="true: answer when it is done")] = False


class EraseAsked(FilterBody):
    """Say which events, or everything."""

    everything: bool = False
    dry_run: bool = False


class HowToErase(Said):
    wait: Annotated[bool, Field(description="false: answer with a job")] = True


class Erased(Shape):
    """How many events are gone for good, or with dry_run would be."""

    events: int
    dry_run: bool
