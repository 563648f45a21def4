"""Anthropic's memory tool over a memory: the files that Claude keeps under /memories.

Idea:    a file is a thing on a shelf (parts/shelf.py): a session named by its path, whose events are its versions, so
         nothing is lost by an edit or a delete, and what a file says is found by searching the memory. A folder is a
         thing that no search finds. What the tool answers is what the SDK's own tool for files on a disk answers,
         letter by letter, since models are trained on it.
Cost:    a command on a file reads the events of that path; one on a folder reads those of all.
Differs: the size shown for a folder is always 4K, as on most disks. What a disk refuses with an error of its own, a
         file below a file or a folder moved into itself, is a ToolError here.
"""

import posixpath
from collections.abc import Iterable, Iterator

from anthropic.lib.tools import BetaAbstractMemoryTool, ToolError
from anthropic.types.beta import (
    BetaCacheControlEphemeralParam,
    BetaMemoryTool20250818CreateCommand,
    BetaMemoryTool20250818DeleteCommand,
    BetaMemoryTool20250818InsertCommand,
    BetaMemoryTool20250818RenameCommand,
    BetaMemoryTool20250818StrReplaceCommand,
    BetaMemoryTool20250818ViewCommand,
)

from remanence.integrations.parts.shelf import Held, Shelf, Thing
from remanence.memory import Memory

ROOT = "/memories"
MOST_LINES = 999_999
WIDTH = len(str(MOST_LINES))
FOLDER = 4096  # bytes
LEVELS = 2  # of folders that are listed


class RemanenceMemoryTool(BetaAbstractMemoryTool):
    """For `client.beta.messages.tool_runner(tools=[...])`. `scope`: user, agent, run; each has files of its own."""

    def __init__(
        self,
        memory: Memory,
        *,
        cache_control: BetaCacheControlEphemeralParam | None = None,
        app: str = "anthropic-memory",
        **scope: str,
    ):
        super().__init__(cache_control=cache_control)
        self.shelf = Shelf(memory, "assistant", app=app, **scope)

    def view(self, command: BetaMemoryTool20250818ViewCommand) -> str:
        path, held = self._look(command.path)
        if path in held and not _is_folder(held[path]):
            return _numbered_file(command.path, held[path].text, command.view_range)
        if path != ROOT and path not in held:
            raise ToolError(f"The path {command.path} does not exist. Please provide a valid path.")
        shown = [f"{_size(FOLDER)}\t{command.path}"]
        shown += [f"{_size(size)}\t{command.path}/{name}" for name, size in _listing(path, held)]
        title = f"Here're the files and directories up to {LEVELS} levels deep in {command.path}"
        return "\n".join([f"{title}, excluding hidden items:", *shown])

    def create(self, command: BetaMemoryTool20250818CreateCommand) -> str:
        path, held = self._look(command.path)
        self.shelf.put(*_folders_of(path, held))
        if path == ROOT or path in held:
            raise ToolError(f"File {command.path} already exists")
        self.shelf.put(Thing(path, [command.file_text]))
        return f"File created successfully at: {command.path}"

    def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> str:
        path, content = self._read(command.path)
        starts = list(_starts(command.old_str, content))
        times = content.count(command.old_str)
        if not times:
            said = f"old_str `{command.old_str}` did not appear verbatim in {command.path}."
            raise ToolError(f"No replacement was performed, {said}")
        if times > 1:
            lines = ", ".join(str(_line(start, content)) for start in starts)
            said = f"Multiple occurrences of old_str `{command.old_str}` in lines: {lines}. Please ensure it is unique"
            raise ToolError(f"No replacement was performed. {said}")
        changed = content.replace(command.old_str, command.new_str)
        self.shelf.put(Thing(path, [changed]))
        line = _line(starts[0], content)
        around = changed.split("\n")[max(0, line - 3) : line + 2]
        title = "The memory file has been edited. Here is the snippet showing the change (with line numbers):"
        return f"{title}\n{_numbered(around, max(1, line - 2))}"

    def insert(self, command: BetaMemoryTool20250818InsertCommand) -> str:
        path, content = self._read(command.path)
        lines = content.removesuffix("\n").split("\n") if content else []
        if not 0 <= command.insert_line <= len(lines):
            said = f"It should be within the range [0, {len(lines)}]."
            raise ToolError(f"Invalid `insert_line` parameter: {command.insert_line}. {said}")
        lines.insert(command.insert_line, command.insert_text.rstrip("\n"))
        changed = "\n".join(lines)
        self.shelf.put(Thing(path, [changed if changed.endswith("\n") else f"{changed}\n"]))
        return f"The file {command.path} has been edited."

    def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> str:
        path, held = self._look(command.path)
        if path == ROOT:
            raise ToolError(f"Cannot delete the {ROOT} directory itself")
        if path not in held:
            raise ToolError(f"The path {command.path} does not exist")
        self.shelf.take_away(path, *_below(path, held))
        return f"Successfully deleted {command.path}"

    def rename(self, command: BetaMemoryTool20250818RenameCommand) -> str:
        old, held = self._look(command.old_path)
        new, _ = self._look(command.new_path, held)
        if old == ROOT:
            raise ToolError(f"Cannot rename the {ROOT} directory itself")
        if new == ROOT or new in held:
            raise ToolError(f"The destination {command.new_path} already exists")
        self.shelf.put(*_folders_of(new, held))
        if old not in held:
            raise ToolError(f"The path {command.old_path} does not exist")
        if new.startswith(f"{old}/"):
            raise ToolError(f"Cannot move {command.old_path} into itself")
        moved = {path: new + path.removeprefix(old) for path in [old, *_below(old, held)]}
        self.shelf.put(*(_moved(held[path], to) for path, to in moved.items()))
        self.shelf.take_away(*moved)
        return f"Successfully renamed {command.old_path} to {command.new_path}"

    def clear_all_memory(self) -> str:
        self.shelf.take_away(*self.shelf.all())
        return "All memory cleared"

    def _look(self, path: str, held: dict[str, Held] | None = None) -> tuple[str, dict[str, Held]]:
        """Where a path leads, and what there is."""
        if not path.startswith(ROOT):
            raise ToolError(f"Path must start with {ROOT}, got: {path}")
        below = path.removeprefix(ROOT).lstrip("/")
        whole = "/" + posixpath.normpath(f"{ROOT[1:]}/{below}")  # relative, so that what climbs out is seen
        if whole != ROOT and not whole.startswith(f"{ROOT}/"):
            raise ToolError(f"Path {path} would escape {ROOT} directory")
        return whole, self.shelf.all() if held is None else held

    def _read(self, path: str) -> tuple[str, str]:
        """The file to be edited, and what it says."""
        whole, held = self._look(path)
        if whole != ROOT and whole not in held:
            raise ToolError(f"The path {path} does not exist. Please provide a valid path.")
        if whole == ROOT or _is_folder(held[whole]):
            raise ToolError(f"The path {path} is not a file.")
        return whole, held[whole].text


def _folder(path: str) -> Thing:
    return Thing(path, [path], {"folder": True}, found=False)


def _moved(held: Held, to: str) -> Thing:
    return _folder(to) if _is_folder(held) else Thing(to, [held.text])


def _is_folder(held: Held) -> bool:
    return "folder" in held.events[0].meta


def _folders_of(path: str, held: dict[str, Held]) -> Iterator[Thing]:
    """The folders that a path needs and that are not there."""
    parent = posixpath.dirname(path)
    if parent.startswith(f"{ROOT}/"):
        if parent not in held:
            yield from _folders_of(parent, held)
            yield _folder(parent)
        elif not _is_folder(held[parent]):
            raise ToolError(f"{parent} is a file, not a directory")


def _below(path: str, held: Iterable[str]) -> list[str]:
    return [other for other in held if other.startswith(f"{path}/")]


def _listing(path: str, held: dict[str, Held]) -> Iterator[tuple[str, int]]:
    """(name, bytes) of what is in a folder, each folder followed by what is in it."""
    inside = {tuple(other.removeprefix(f"{path}/").split("/")): held[other] for other in _below(path, held)}
    for parts in sorted(inside):
        if len(parts) <= LEVELS and not any(part.startswith(".") for part in parts):
            thing = inside[parts]
            folder = _is_folder(thing)
            yield "/".join(parts) + "/" * folder, FOLDER if folder else len(thing.text.encode())


def _size(n: int) -> str:
    """4096 is 4K, 1536 is 1.5K."""
    power = min((n.bit_length() - 1) // 10, 3) if n else 0
    value = n / 1024**power
    return f"{value:.{0 if value.is_integer() else 1}f}{'BKMG'[power]}"


def _numbered_file(path: str, content: str, view_range: list[int] | None) -> str:
    lines, first = content.split("\n"), 1
    if len(lines) > MOST_LINES:
        raise ToolError(f"File {path} exceeds maximum line limit of {MOST_LINES:,} lines.")
    if view_range and len(view_range) == 2:
        first, last = max(1, view_range[0]), view_range[1]
        lines = lines[first - 1 : len(lines) if last == -1 else last]
    return f"Here's the content of {path} with line numbers:\n{_numbered(lines, first)}"


def _numbered(lines: list[str], first: int) -> str:
    return "\n".join(f"{number:>{WIDTH}}\t{line}" for number, line in enumerate(lines, first))


def _starts(part: str, whole: str) -> Iterator[int]:
    """Where a part begins, also where it overlaps itself."""
    start = whole.find(part)
    while start != -1:
        yield start
        start = whole.find(part, start + 1)


def _line(start: int, content: str) -> int:
    return content[:start].count("\n") + 1
