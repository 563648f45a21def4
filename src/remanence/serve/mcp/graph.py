"""A graph of entities and relations, folded from the events that tell of it.

An event is one observation, one relation, or one entity that nothing is known of yet; what the file format
`mcp_memory` imports is written the same way, so an imported graph is there too. A deletion is an event that names
those it takes back, and what was derived from them is forgotten: it is no longer found, and still kept.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from remanence.errors import BadInput
from remanence.plain import event_of
from remanence.records import Event, Scope
from remanence.serve.mcp.reach import Reach

Relation = tuple[str, str, str]  # from, relation, to
Said = tuple[str, dict[str, Any]]  # a text, and its meta
CHANNELS = ("assistant", "import")  # what is told here, and what was imported
TAKES_BACK = "takes back"  # in an event's meta: the ids of those that no longer count
STEP = timedelta(microseconds=1)  # so that what one call tells stays in its order


@dataclass
class Entity:
    """`observations` and `bare` hold the ids of the events that say so."""

    name: str
    type: str
    observations: dict[str, list[str]] = field(default_factory=dict)
    bare: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"{self.name} ({self.type})" if self.type else self.name

    def events(self) -> list[str]:
        return [*self.bare, *(id for ids in self.observations.values() for id in ids)]


@dataclass
class Graph:
    entities: dict[str, Entity] = field(default_factory=dict)
    relations: dict[Relation, list[str]] = field(default_factory=dict)

    def around(self, names: Iterable[str]) -> "Graph":
        """Those of these entities that are there, and every relation that one of them has a part in."""
        wanted = set(names)
        entities = {name: entity for name, entity in self.entities.items() if name in wanted}
        relations = {
            (start, name, end): ids
            for (start, name, end), ids in self.relations.items()
            if start in entities or end in entities
        }
        return Graph(entities, relations)


def graph(reach: Reach) -> Graph:
    """The graph as it is now."""
    told = [event for event in reach.memory.events(**reach.within(channels=CHANNELS)) if event.meta]
    gone = {id for event in told for id in _taken_back(event)}
    found = Graph()
    for event in told:
        if event.id in gone:
            continue
        if named := _texts(event, "entity", "type"):
            name, type = named
            known = Entity(name, type)
            entity = found.entities.setdefault(known.name, known)
            if event.text == known.title:
                entity.bare.append(event.id)
            else:
                entity.observations.setdefault(event.text.removeprefix(f"{known.title}: "), []).append(event.id)
        elif related := _texts(event, "from", "relation", "to"):
            start, name, end = related
            found.relations.setdefault((start, name, end), []).append(event.id)
    return found


def tell(reach: Reach, said: Iterable[Said], **scope: str) -> list[str]:
    """Keep these texts and what they mean, in this order; the ids of the events."""
    now, about = datetime.now(UTC), {"channel": "assistant", **(scope or reach.within())}
    events = [event_of(text, at=now + i * STEP, meta=meta, **about) for i, (text, meta) in enumerate(said)]
    reach.writable().add_many(events)
    return [event.id for event in events]


def of_entity(name: str, type: str, observations: Iterable[str]) -> Iterator[Said]:
    """What is told of an entity: its observations, or only that it is there."""
    if not name.strip():
        raise BadInput("an entity needs a name")
    title, meta = Entity(name, type).title, {"entity": name, "type": type}
    texts = [f"{title}: {observation}" for observation in observations]
    return ((text, meta) for text in texts or [title])


def of_relation(relation: Relation) -> Said:
    start, name, end = relation
    if not (start.strip() and name.strip() and end.strip()):
        raise BadInput("a relation needs from, to and relationType")
    return f"{start} {name.replace('_', ' ')} {end}", {"from": start, "relation": name, "to": end}


def take_back(reach: Reach, events: list[str]) -> None:
    """Let these events no longer count, and forget what was made of them alone."""
    memory, gone = reach.writable(), set(events)
    by_scope: dict[Scope, list[str]] = {}
    for id in events:
        by_scope.setdefault(memory.get(id).scope, []).append(id)
    for scope, ids in by_scope.items():  # whoever sees an event sees that it was taken back
        note = f"{len(ids)} entries of the graph were deleted."
        gone.update(tell(reach, [(note, {TAKES_BACK: ids})], **asdict(scope)))
    for record in list(memory.records(events=tuple(gone))) if gone else ():
        if {source.event for source in record.sources} <= gone:
            memory.forget(record.id)


def _taken_back(event: Event) -> list[str]:
    ids = event.meta.get(TAKES_BACK, [])
    return ids if isinstance(ids, list) else []


def _texts(event: Event, *names: str) -> list[str]:
    """These entries of an event's meta, if all are there and are text."""
    found = [event.meta[name] for name in names if isinstance(event.meta.get(name), str)]
    return found if len(found) == len(names) else []
