"""A folder of Markdown notes, or one note; and a memory written as a diary, a file a day.

Source:  https://commonmark.org for what a heading is; notes as Obsidian keeps them.
Idea:    a note is cut at its headings and then at blank lines into events of about 1,500 characters. Its time is the
         `date`, `created` or `at` of its front matter, else the date in its name (2024-03-05-title.md). What we wrote
         ourselves is read back as the events it was.
Differs: a note without a date is dated 1970 and its meta says undated, unless `mtime` takes the file's own time: then
         a copied file imports again. Front matter is flat: keys with a value or a list. Headings are those with #.
         Wiki links stay as text; hidden folders and linked folders are not entered. The session is the path inside
         the folder given, so give the same folder again. Only events are written, not what was derived from them.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, ClassVar

from remanence.errors import BadInput, NewerVersion
from remanence.formats.base import Base, Item, Problem, Progress, Report
from remanence.formats.parts import diary
from remanence.formats.parts.json_values import moment
from remanence.formats.parts.notes import Front, Sections, front_matter, words
from remanence.formats.parts.opened import Text, texts
from remanence.formats.parts.undated import UNDATED, undated
from remanence.records import Event, whole

VERSION = 1
INSIDE = re.compile(r".*\.(md|markdown)", re.IGNORECASE)
DATED = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
GLANCE = 1000  # folders looked into to see whether there are notes at all


@dataclass
class Markdown(Base):
    suffixes: ClassVar[tuple[str, ...]] = (".md", ".markdown")
    expected: ClassVar[str] = "a Markdown file, or a folder of them"
    general: ClassVar[bool] = True
    writes: ClassVar[bool] = True

    mtime: bool = False  # date undated notes by their file

    def recognises(self, path: Path) -> bool:
        if path.is_dir():
            return any(files for files in islice(_folders(path), GLANCE))
        return path.is_file() and INSIDE.fullmatch(path.name) is not None

    def items(self, path: Path, report: Report, progress: Progress | None) -> Iterator[Item]:
        if not path.is_dir():
            yield from self._file(path, path.name, report, progress)
            return
        sizes = {file: file.stat().st_size for files in _folders(path) for file in files}
        if not sizes:
            raise BadInput(f"there is no Markdown file in {path}")
        total, done = sum(sizes.values()), 0
        for file, size in sizes.items():
            try:
                yield from self._file(file, file.relative_to(path).as_posix(), report, None)
            except BadInput as error:
                report(Problem(str(file), 0, str(error)))
            done += size
            if progress:
                progress(done, total)

    def _file(self, path: Path, session: str, report: Report, progress: Progress | None) -> Iterator[Event]:
        for text in texts(path, report, progress, INSIDE):
            front, lines = front_matter(text.lines())
            if version := front.get("remanence"):
                _check_version(version[0], path)
                yield from diary.events(text, lines)
                continue
            said: dict[str, Any] = {"title": whole((front.get("title") or [path.stem])[0])}
            at = self._at(front, path, text)
            if at is None:
                said["undated"] = True
            if tags := words(front.get("tags", []) + front.get("tag", [])):
                said["tags"] = tags
            speaker = ", ".join(front.get("author", []))
            for piece, headings in Sections().cut(lines):
                meta = {**said, "heading": headings} if headings else said
                yield Event(piece, at or undated(UNDATED), speaker, session=session, channel="import", meta=meta)

    def _at(self, front: Front, path: Path, text: Text) -> datetime | None:
        named = [value for key in ("date", "created", "at") for value in front.get(key, [])[:1]]
        for value in (*named, *DATED.findall(path.stem)):
            try:
                if at := moment(value):
                    return at
            except BadInput as error:
                text.problem(0, str(error))
        return datetime.fromtimestamp(path.stat().st_mtime, UTC) if self.mtime else None

    def write(self, path: Path, items: Iterable[Item]) -> int:
        """The events, into a new or empty folder, in files named by their day (UTC)."""
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise BadInput(f"{path} is there already; Markdown is written into a new folder, a file a day")
        path.mkdir(parents=True, exist_ok=True)
        count, day = 0, ""
        with ExitStack() as stack:
            file: IO[str] | None = None
            for event in items:
                if not isinstance(event, Event):
                    continue
                if file is None or day != event.at.date().isoformat():
                    stack.close()
                    day = event.at.date().isoformat()
                    file = stack.enter_context((path / f"{day}.md").open("a", encoding="utf-8", newline="\n"))
                    if file.tell() == 0:
                        file.write(f"---\nremanence: {VERSION}\ndate: {day}\n---\n\n# {day}\n")
                file.write(diary.page(event))
                count += 1
        return count


def _check_version(found: str, path: Path) -> None:
    if not found.isdecimal() or int(found) > VERSION:
        raise NewerVersion(
            f"{path} is version {found} of the export and this Remanence reads up to {VERSION}; upgrade it"
        )


def _folders(path: Path) -> Iterator[list[Path]]:
    """The notes of each folder from here down, in order; hidden folders and links to folders are not entered."""
    for folder, inner, names in os.walk(path):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        files = [Path(folder) / name for name in sorted(names) if INSIDE.fullmatch(name)]
        yield [file for file in files if file.is_file()]
