"""A question's filter narrowed to some kinds of records."""

from dataclasses import replace

from remanence.records import Filter


def only(allowed: Filter, *kinds: str) -> Filter:
    """The same filter for these kinds; kinds it already asks for are kept to, and may leave none (a kind of "_")."""
    wanted = tuple(kind for kind in kinds if not allowed.kinds or kind in allowed.kinds)
    return replace(allowed, kinds=wanted or ("_",))
