"""A question's filter narrowed to some kinds of records."""

from dataclasses import replace

from remanence.records import Filter
from remanence.store.base import Base as Store


def only(allowed: Filter, *kinds: str) -> Filter:
    """The same filter for these kinds; kinds it already asks for are kept to, and may leave none (a kind of "_")."""
    wanted = tuple(kind for kind in kinds if not allowed.kinds or kind in allowed.kinds)
    return replace(allowed, kinds=wanted or ("_",))


def derived(allowed: Filter, *kinds: str) -> Filter:
    """The same filter for what was made of many turns, which has no speaker, channel or hour of its own."""
    return replace(allowed, kinds=kinds, speakers=(), channels=(), between=None, meta={})


def only_turns(allowed: Filter, store: Store) -> Filter:
    """The same filter for turns; where there is nothing else no kind is asked for, which costs the word index time."""
    return only(allowed, "turn") if set(store.names("kind")) - {"turn"} else allowed
