"""The default tools, and those for looking into a memory: context, answers, history, sources, undo, pins."""

from itertools import islice
from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from remanence.errors import NotFound
from remanence.records import Event, Op
from remanence.serve.mcp.reach import Reach
from remanence.serve.mcp.told import Shown, Told, lines, scored
from remanence.serve.mcp.tool import Tool
from remanence.serve.mcp.tools import minimal
from remanence.serve.mcp.tools.minimal import Id
from remanence.text.parts.render import line

Question = Annotated[str, Field(description="A question.")]


class Context(TypedDict):
    text: str
    tokens: int


class Answer(TypedDict):
    answer: str
    by: str
    memories: list[Shown]


class Change(TypedDict):
    operation: int
    kind: str
    at: str
    why: NotRequired[str]
    other: NotRequired[str]


class Changes(TypedDict):
    changes: list[Change]


class Said(TypedDict):
    event: str
    at: str
    speaker: str
    text: str
    cited: bool


class Sources(TypedDict):
    turns: list[Said]


def get_context(
    reach: Reach, question: Question, tokens: Annotated[int, Field(ge=1, le=100_000)] = 800
) -> Told[Context]:
    """What is remembered about a question, as dated text for a prompt, within a budget of tokens."""
    made = reach.memory.context(question, tokens, **reach.within())
    return Told({"text": made.text, "tokens": made.tokens}, made.text or "Nothing was found.")


def ask_memories(reach: Reach, question: Question) -> Told[Answer]:
    """Answer a question out of the memories alone, with those it cites."""
    reply = reach.memory.ask(question, **reach.within())
    data: Answer = {"answer": reply.text, "by": reply.by, "memories": [scored(hit) for hit in reply.hits]}
    return Told(data, "\n".join([reply.text, lines([hit.record for hit in reply.hits], "")]).rstrip())


def get_history(reach: Reach, id: Id) -> Told[Changes]:
    """What happened to a memory, oldest first, with the numbers that undo_change takes."""
    changes = [_change(op) for op in reach.memory.history(reach.record(id).id)]
    text = "\n".join(" ".join(str(value) for value in change.values()) for change in changes)
    return Told({"changes": changes}, text)


def get_sources(
    reach: Reach, id: Id, around: Annotated[int, Field(ge=0, le=20, description="Turns before and after.")] = 2
) -> Told[Sources]:
    """Where a memory comes from: what was said, in place in its conversation."""
    turns: list[Said] = []
    for event in dict.fromkeys(source.event for source in reach.record(id).sources):
        turns += [turn for turn in _around(reach, event, around) if turn not in turns]
    text = "\n".join(
        f"{'>' if turn['cited'] else '-'} [{turn['at'][:10]}] {turn['speaker']}: {turn['text']}" for turn in turns
    )
    return Told({"turns": turns}, text)


def undo_change(reach: Reach, id: Id, operation: int) -> Told[Changes]:
    """Take back one operation on a memory, such as its being forgotten or replaced."""
    record = reach.record(id)
    if operation not in {op.id for op in reach.memory.history(record.id)}:
        raise NotFound(f"no operation {operation} on {id!r}; get_history lists them")
    undone = reach.writable().undo(operation)
    return Told({"changes": [_change(undone)]}, f"Taken back: operation {operation} on {line(record)}")


def pin_memory(reach: Reach, id: Id) -> Told[Changes]:
    """Never let a memory fade."""
    record = reach.record(id)
    op = reach.writable().pin(record.id)
    return Told({"changes": [_change(op)]}, f"Pinned, operation {op.id}: {line(record)}")


def _change(op: Op) -> Change:
    change: Change = {"operation": op.id, "kind": op.kind, "at": op.recorded_at.isoformat() if op.recorded_at else ""}
    if op.why:
        change["why"] = op.why
    if op.other:
        change["other"] = op.other
    return change


def _around(reach: Reach, id: str, around: int) -> list[Said]:
    cited: Any = reach.memory.get(id)
    if not reach.sees(cited):
        return []
    if not cited.session:
        return [_said(cited, cited=True)]
    scope = {name: value for name in ("user", "agent", "run", "app") if (value := getattr(cited.scope, name))}
    before: list[Event] = []
    told = iter(reach.memory.events(sessions=cited.session, **scope))
    for event in told:
        if event.id == cited.id:
            break
        before.append(event)
    after = islice(told, around)
    turns = [*before[len(before) - around :], cited, *after] if around <= len(before) else [*before, cited, *after]
    return [_said(event, cited=event.id == cited.id) for event in turns]


def _said(event: Event, *, cited: bool) -> Said:
    who = event.speaker or event.role or event.channel
    return {"event": event.id, "at": event.at.isoformat(), "speaker": who, "text": event.text, "cited": cited}


TOOLS = (
    *minimal.TOOLS,
    Tool(get_context, reads=True),
    Tool(ask_memories, reads=True),
    Tool(get_history, reads=True),
    Tool(get_sources, reads=True),
    Tool(undo_change, destroys=True),
    Tool(pin_memory, again=True),
)
