"""A LangGraph store in a memory: the items that graphs put, get and search across threads.

Idea:    an item is a thing on a shelf (parts/shelf.py): a session named by its namespace and key, whose events are its
         versions. The value is the meta of the event, so nothing of it is lost; the text is what is searched: each of
         the fields asked for on its own, or all that the value says. Putting again adds an event and puts away what the
         old one gave; deleting is an event that says so.
Cost:    get and put read the events of one item, a search those under its prefix, list_namespaces all in the scope.
Differs: what is found is ranked by the memory's method, so a score is on its scale; what does not answer at all comes
         after what does, without a score. A read within a twentieth of an item's time to live does not prolong it.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    get_text_at_path,
    validate_op_namespace,
)

from remanence.integrations.parts.shelf import Held, Shelf, Thing
from remanence.memory import Memory

ORDER = {"$gt": gt, "$gte": ge, "$lt": lt, "$lte": le}
OPERATORS = {"$eq": eq, "$ne": ne} | ORDER
SLACK = 1 / 20  # of a time to live: reads that come closer together are one


class RemanenceStore(BaseStore):
    """`fields` are the paths that are searched when a put does not say (LangGraph's `index`); none means all."""

    supports_ttl = True

    def __init__(
        self,
        memory: Memory,
        *,
        fields: Sequence[str] | None = None,
        ttl: TTLConfig | None = None,
        app: str = "langgraph",
        **scope: str,
    ):
        self.fields, self.ttl_config = fields, ttl
        self.shelf = Shelf(memory, app=app, **scope)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Reads see what was there before the batch; of several puts of one item the last counts."""
        ops = list(ops)
        for op in ops:
            validate_op_namespace(op)
        view = _View(self.shelf)
        results = [None if isinstance(op, PutOp) else self._read(op, view) for op in ops]
        puts = {_name(op): op for op in ops if isinstance(op, PutOp)}
        self.shelf.take_away(*(name for name, op in puts.items() if op.value is None))
        self.shelf.put(*(self._thing(name, op) for name, op in puts.items() if op.value is not None))
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await asyncio.to_thread(self.batch, list(ops))

    def sweep_ttl(self) -> int:
        """Delete the items whose time is over, which no read shows any more; how many."""
        over = [held.name for held in self.shelf.all().values() if _over(held)]
        return len(self.shelf.take_away(*over))

    def _read(self, op: GetOp | SearchOp | ListNamespacesOp, view: "_View") -> Result:
        if isinstance(op, GetOp):
            held = view.get(_name(op))
            return self._items([held] if held else [], refresh=op.refresh_ttl, shown=_item)[0] if held else None
        if isinstance(op, SearchOp):
            scores = dict[str, float]()
            found = self._search(op, view, scores)
            return self._items(found, refresh=op.refresh_ttl, shown=lambda held: _search_item(held, scores))
        return _namespaces(op, view.within(()))

    def _search(self, op: SearchOp, view: "_View", scores: dict[str, float]) -> list[Held]:
        within = view.within(tuple(op.namespace_prefix))
        found = [held for held in within if _allows(op.filter or {}, held["value"])]
        last = op.offset + op.limit
        if op.query and last > 0:
            best = self.shelf.find(op.query, last, found)
            scores |= {held.name: hit.score for held, hit in best}
            found = [held for held, _ in best] + [held for held in found if held.name not in scores]
        return found[op.offset : last]

    def _items(self, found: list[Held], *, refresh: bool, shown: Any) -> list[Any]:
        if refresh:
            self.shelf.touch(*(held.name for held in found if _age(held) > SLACK))
        return [shown(held) for held in found]

    def _thing(self, name: str, op: PutOp) -> Thing:
        value = dict(op.value or {})
        fields = self.fields if op.index is None else op.index or ()
        said = [] if fields is None else [text for path in fields for text in get_text_at_path(value, path)]
        texts = said or ["\n".join(_leaves(value)) or op.key]
        beside = {"namespace": list(op.namespace), "key": op.key, "value": value, "ttl": op.ttl}
        return Thing(name, texts, beside, found=fields is None or bool(said), labels=op.namespace)


@dataclass
class _View:
    """The items as one batch sees them."""

    shelf: Shelf
    seen: dict[tuple[str, ...], list[Held]] = field(default_factory=dict)

    def get(self, name: str) -> Held | None:
        held = self.shelf.get(name).get(name)
        return None if held is None or _over(held) else held

    def within(self, prefix: tuple[str, ...]) -> list[Held]:
        if prefix not in self.seen:
            self.seen[prefix] = [held for held in self.shelf.all(prefix).values() if not _over(held)]
        return self.seen[prefix]


def _name(op: GetOp | PutOp) -> str:
    return json.dumps([*op.namespace, op.key])


def _namespace(held: Held) -> tuple[str, ...]:
    return tuple(held["namespace"])


def _age(held: Held) -> float:
    """How much of its time to live is over: from 1 on it is gone."""
    return (datetime.now(UTC) - held.touched) / timedelta(minutes=held["ttl"]) if held["ttl"] else 0.0


def _over(held: Held) -> bool:
    return _age(held) >= 1


def _item(held: Held) -> Item:
    return Item(
        value=held["value"],
        key=held["key"],
        namespace=_namespace(held),
        created_at=held.since,
        updated_at=held.at,
    )


def _search_item(held: Held, scores: Mapping[str, float]) -> SearchItem:
    return SearchItem(_namespace(held), held["key"], held["value"], held.since, held.at, scores.get(held.name))


def _leaves(value: Any, name: str = "") -> Iterator[str]:
    """What a value says, a line each: "likes: pizza", or the text alone where nothing else stands beside it."""
    if isinstance(value, Mapping):
        alone = len(value) == 1 and not name
        for key, inner in value.items():
            yield from _leaves(inner, "" if alone else str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, name)
    elif value is not None and str(value).strip():
        yield f"{name}: {value}" if name else str(value)


def _allows(asked: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    return all(_meets(_at(value, path), wanted) for path, wanted in asked.items())


def _at(value: Any, path: str) -> Any:
    """The entry of that name, or else what a path with dots leads to."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    first, dot, rest = path.partition(".")
    return _at(value[first], rest) if dot and isinstance(value, Mapping) and first in value else None


def _meets(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        if any(str(name).startswith("$") for name in wanted):
            return all(_compare(found, name, operand) for name, operand in wanted.items())
        return isinstance(found, Mapping) and all(_meets(found.get(name), inner) for name, inner in wanted.items())
    if isinstance(wanted, list | tuple):
        same = isinstance(found, list | tuple) and len(found) == len(wanted)
        return same and all(_meets(*pair) for pair in zip(found, wanted, strict=True))
    return bool(found == wanted)


def _compare(found: Any, operator: str, operand: Any) -> bool:
    """Numbers are compared with numbers and texts with texts; of anything else only sameness is known."""
    if operator not in OPERATORS:
        raise ValueError(f"no operator {operator!r} in a filter. Known: {', '.join(OPERATORS)}")
    numbers = isinstance(found, int | float) and isinstance(operand, int | float)
    if operator in ORDER and not numbers and not (isinstance(found, str) and isinstance(operand, str)):
        return False
    return bool(OPERATORS[operator](found, operand))


def _namespaces(op: ListNamespacesOp, items: Iterable[Held]) -> list[tuple[str, ...]]:
    found = {
        namespace[: op.max_depth]
        for namespace in map(_namespace, items)
        if all(_matches(condition, namespace) for condition in op.match_conditions or ())
    }
    return sorted(found)[op.offset : op.offset + op.limit]


def _matches(condition: MatchCondition, namespace: tuple[str, ...]) -> bool:
    """Whether it begins or ends so. A label "*" of the condition stands for any one label, and nothing else does."""
    path, whole = list(condition.path), list(namespace)
    part = whole[: len(path)] if condition.match_type == "prefix" else whole[::-1][: len(path)][::-1]
    return len(part) == len(path) and all(label in ("*", own) for label, own in zip(path, part, strict=True))
