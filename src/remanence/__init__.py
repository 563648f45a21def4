"""One memory for language models: written, recalled, consolidated and forgotten through one small set of verbs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from remanence.errors import RemanenceError
    from remanence.memory import Memory
    from remanence.opening import open
    from remanence.records import Event, Filter, Hit, Op, Query, Record, Scope, Source

__version__ = "0.1.0"
__all__ = ["Event", "Filter", "Hit", "Memory", "Op", "Query", "Record", "RemanenceError", "Scope", "Source", "open"]

HOME = {"Memory": "memory", "open": "opening", "RemanenceError": "errors"}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: `import remanence` alone costs next to nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'remanence' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"remanence.{HOME.get(name, 'records')}"), name)
