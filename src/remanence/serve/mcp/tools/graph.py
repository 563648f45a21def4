"""A knowledge graph: the nine tools of the reference memory server, with its names and its JSON.

Source:  https://github.com/modelcontextprotocol/servers, src/memory.
Differs: what is deleted is kept and can be undone; entities of one name are one, and what is observed twice is
         observed once; where no entity holds the words of a question, those it means are found.
"""

import json
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from remanence.errors import NotFound
from remanence.records import Event
from remanence.serve.mcp.graph import Entity, Graph, graph, of_entity, of_relation, take_back, tell
from remanence.serve.mcp.reach import Reach
from remanence.serve.mcp.told import Told
from remanence.serve.mcp.tool import Tool

NEAR = 20  # memories that a search looks at where no words match


class Node(TypedDict):
    name: str
    entityType: str
    observations: list[str]


Edge = TypedDict("Edge", {"from": str, "to": str, "relationType": str})


class Nodes(TypedDict):
    entities: list[Node]


class Edges(TypedDict):
    relations: list[Edge]


class Whole(TypedDict):
    entities: list[Node]
    relations: list[Edge]


class Observed(TypedDict):
    entityName: str
    contents: list[str]


class New(TypedDict):
    entityName: str
    addedObservations: list[str]


class News(TypedDict):
    results: list[New]


class Deletion(TypedDict):
    entityName: str
    observations: list[str]


class Done(TypedDict):
    success: bool
    message: str


def create_entities(reach: Reach, entities: list[Node]) -> Told[Nodes]:
    """Create entities in the knowledge graph. Those whose name is there already are left as they are."""
    known = graph(reach).entities
    new = [node for node in entities if node["name"] not in known]
    said = [of_entity(node["name"], node["entityType"], node["observations"]) for node in new]
    tell(reach, [one for each in said for one in each])
    return Told({"entities": new}, _json(new))


def create_relations(reach: Reach, relations: list[Edge]) -> Told[Edges]:
    """Create relations between entities, in the active voice."""
    known = graph(reach).relations
    new = [edge for edge in relations if _triple(edge) not in known]
    tell(reach, [of_relation(_triple(edge)) for edge in new])
    return Told({"relations": new}, _json(new))


def add_observations(reach: Reach, observations: list[Observed]) -> Told[News]:
    """Add what was observed of entities that are there."""
    known = graph(reach).entities
    results: list[New] = []
    said = []
    for observed in observations:
        entity = _known(known, observed["entityName"])
        new = [text for text in dict.fromkeys(observed["contents"]) if text not in entity.observations]
        entity.observations |= {text: [] for text in new}
        said += list(of_entity(entity.name, entity.type, new)) if new else []
        results.append({"entityName": entity.name, "addedObservations": new})
    tell(reach, said)
    return Told({"results": results}, _json(results))


def delete_entities(reach: Reach, entityNames: list[str]) -> Told[Done]:
    """Delete entities and their relations."""
    whole, names = graph(reach), set(entityNames)
    events = [id for entity in whole.entities.values() if entity.name in names for id in entity.events()]
    for (start, _, end), ids in whole.relations.items():
        events += ids if start in names or end in names else []  # also where the entity was never created
    take_back(reach, events)
    return _done("Entities deleted successfully")


def delete_observations(reach: Reach, deletions: list[Deletion]) -> Told[Done]:
    """Delete single observations of entities."""
    known, events, emptied = graph(reach).entities, list[str](), list[Entity]()
    for deletion in deletions:
        entity = known.get(deletion["entityName"])
        for text in deletion["observations"] if entity else ():
            events += entity.observations.pop(text, []) if entity else []
        if entity and not entity.events():
            emptied.append(entity)  # it is still there
    tell(reach, [one for entity in emptied for one in of_entity(entity.name, entity.type, ())])
    take_back(reach, events)
    return _done("Observations deleted successfully")


def delete_relations(reach: Reach, relations: list[Edge]) -> Told[Done]:
    """Delete relations."""
    known = graph(reach).relations
    take_back(reach, [id for edge in relations for id in known.pop(_triple(edge), [])])
    return _done("Relations deleted successfully")


def read_graph(reach: Reach) -> Told[Whole]:
    """Read the whole knowledge graph."""
    return _shown(graph(reach))


def search_nodes(
    reach: Reach, query: Annotated[str, Field(description="Matched against names, types and observations.")]
) -> Told[Whole]:
    """Search for entities in the knowledge graph."""
    whole, wanted = graph(reach), query.lower()
    names = [
        entity.name
        for entity in whole.entities.values()
        if any(wanted in text.lower() for text in (entity.name, entity.type, *entity.observations))
    ]
    return _shown(whole.around(names or _meant(reach, query)))


def open_nodes(reach: Reach, names: list[str]) -> Told[Whole]:
    """Open entities of the knowledge graph by their names."""
    return _shown(graph(reach).around(names))


def _meant(reach: Reach, query: str) -> list[str]:
    if len(query.split()) < 2:  # a word that is nowhere is nowhere
        return []
    hits = reach.memory.search(query, NEAR, **reach.within())
    cited = {source.event for hit in hits for source in hit.sources}
    events: list[Any] = [reach.memory.get(id) for id in cited]
    return [event.meta["entity"] for event in events if isinstance(event, Event) and "entity" in event.meta]


def _known(entities: dict[str, Entity], name: str) -> Entity:
    if name not in entities:
        raise NotFound(f"Entity with name {name} not found")
    return entities[name]


def _triple(edge: Edge) -> tuple[str, str, str]:
    return edge["from"], edge["relationType"], edge["to"]


def _shown(found: Graph) -> Told[Whole]:
    nodes: list[Node] = [
        {"name": entity.name, "entityType": entity.type, "observations": list(entity.observations)}
        for entity in found.entities.values()
    ]
    edges: list[Edge] = [{"from": start, "to": end, "relationType": name} for start, name, end in found.relations]
    whole: Whole = {"entities": nodes, "relations": edges}
    return Told(whole, _json(whole))


def _done(message: str) -> Told[Done]:
    return Told({"success": True, "message": message}, message)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


TOOLS = (
    Tool(create_entities),
    Tool(create_relations),
    Tool(add_observations),
    Tool(delete_entities, destroys=True, again=True),
    Tool(delete_observations, destroys=True, again=True),
    Tool(delete_relations, destroys=True, again=True),
    Tool(read_graph, reads=True),
    Tool(search_nodes, reads=True),
    Tool(open_nodes, reads=True),
)
