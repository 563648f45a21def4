"""A Markdown note cut at its headings, with what its front matter says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

PIECE = 1500  # characters; a paragraph alone may be longer
LONGEST = 1 << 20  # characters of one paragraph, or of a fence that nobody closed
FRONT = 500  # lines; more is text
FENCES = ("```", "~~~")

Lines = Iterator[tuple[int, str]]  # numbers and lines
Front = dict[str, list[str]]  # flat: each key in lower case, with its value or values


def front_matter(lines: Lines) -> tuple[Front, Lines]:
    """The fields between two lines of ---, and the lines after them; no fields where there is no such block."""
    taken = list(islice(lines, 1))
    if not taken or taken[0][1].rstrip() != "---":
        return {}, chain(taken, lines)
    for number, line in islice(lines, FRONT):
        taken.append((number, line))
        if line.rstrip() in ("---", "..."):
            return _fields([line for _, line in taken[1:-1]]), lines
    return {}, chain(taken, lines)


def words(values: list[str]) -> list[str]:
    """Tags as people write them: a list, or words with commas or spaces between, with or without #."""
    return [word.lstrip("#") for value in values for word in re.split(r"[,\s]+", value) if word.strip("#")]


def _fields(lines: list[str]) -> Front:
    fields: Front = {}
    key = ""
    for line in lines:
        item = line.strip()
        name, colon, value = line.partition(":")
        if key and item.startswith("- "):
            fields[key].append(_bare(item[2:]))
        elif colon and name.strip() and not name.lstrip().startswith("#"):
            key, value = name.strip().lower(), value.strip()
            inside = value[1:-1].split(",") if value.startswith("[") and value.endswith("]") else [value]
            fields[key] = [bare for bare in map(_bare, inside) if bare]
    return fields


def _bare(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


@dataclass
class Sections:
    """Cuts a note, line by line, into pieces under one heading, at blank lines, none longer than PIECE if it can."""

    headings: dict[int, str] = field(default_factory=dict)  # by level, those that hold here
    piece: list[str] = field(default_factory=list)  # paragraphs
    paragraph: list[str] = field(default_factory=list)
    size: int = 0  # characters of the paragraph
    fence: str = ""  # that is open
    said: bool = False  # whether the piece is more than its heading

    def cut(self, lines: Lines) -> Iterator[tuple[str, list[str]]]:
        """The text of each piece, beginning with its own heading, and the headings it stands under."""
        for _, line in lines:
            level = 0 if self.fence else _level(line)
            if level:
                yield from self._end_paragraph()
                yield from self._end_piece()
                self.headings = {n: title for n, title in self.headings.items() if n < level}
                self.headings[level] = line.strip().strip("#").strip()
                self.piece = [line.rstrip()]
            elif self.fence or line.strip():
                self.paragraph.append(line.rstrip())
                self.size += len(line) + 1
                self._open_or_close(line.strip())
                if self.size > LONGEST:
                    yield from self._end_paragraph()
            else:
                yield from self._end_paragraph()
        yield from self._end_paragraph()
        yield from self._end_piece()

    def _open_or_close(self, line: str) -> None:
        if self.fence:
            if line.startswith(self.fence) and not line.strip(self.fence[0]):
                self.fence = ""
        elif line.startswith(FENCES):
            self.fence = line[:3]

    def _end_paragraph(self) -> Iterator[tuple[str, list[str]]]:
        if not self.paragraph:
            return
        if self.said and self.size + sum(len(paragraph) + 2 for paragraph in self.piece) > PIECE:
            yield from self._end_piece()
        self.piece.append("\n".join(self.paragraph))
        self.paragraph, self.size, self.said = [], 0, True

    def _end_piece(self) -> Iterator[tuple[str, list[str]]]:
        text = "\n\n".join(self.piece)
        if self.said and text.strip():  # a fence may hold nothing but empty lines
            yield text, [self.headings[level] for level in sorted(self.headings)]
        self.piece, self.said = [], False


def _level(line: str) -> int:
    """1 to 6 for a heading, else 0."""
    bare = line.lstrip(" ")
    level = len(bare) - len(bare.lstrip("#"))
    return level if 1 <= level <= 6 and len(line) - len(bare) < 4 and bare[level : level + 1].isspace() else 0
