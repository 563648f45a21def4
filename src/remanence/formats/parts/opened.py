"""Files as text: plain, in an archive or in an unpacked export; UTF-8, or UTF-16 that says so."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Literal

from remanence.errors import BadInput
from remanence.formats.base import Problem, Progress, Report

LONGEST = 1 << 26  # characters of one line or one item of an array; more is reported and skipped
HEAD = 1 << 16  # bytes looked at to tell what a file is
MOST = 1 << 34  # bytes one archive may unpack to
RATIO = 200  # unpacked to packed; text packs 3 to 30 times, a bomb 1,000 times
SMALL = 1 << 24  # bytes below which no ratio is a bomb
OURS = '{"remanence"'  # how our own export begins, whatever its meta holds further on
BROKEN = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, struct.error)
_ESCAPED = re.compile("[\udc80-\udcff]")  # what surrogateescape makes of a byte that is not UTF-8
_REPLACED = re.compile("\ufffd")


@dataclass
class Text:
    """One open text file. `name` is what problems call it; `start` is how it begins, also once it is being read."""

    name: str
    start: str
    stream: io.TextIOWrapper
    report: Report

    def problem(self, number: int, message: str, unit: Literal["line", "item"] = "line") -> None:
        self.report(Problem(self.name, number, message[:500], unit))  # it may quote what it is about

    def decoded(self, text: str, number: int, unit: Literal["line", "item"] = "line") -> str:
        """The text with U+FFFD where bytes could not be decoded, which is reported."""
        mark = _ESCAPED if self.stream.errors == "surrogateescape" else _REPLACED
        if text.isascii() or not mark.search(text):
            return text
        self.problem(number, f"some bytes are not {self.stream.encoding.upper()}; each is now U+FFFD", unit)
        return mark.sub("\ufffd", text)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Each line with its number, from 1, without its end."""
        number = 0
        while line := self.stream.readline(LONGEST):
            number += 1
            if len(line) == LONGEST and not line.endswith("\n"):
                self.problem(number, f"the line is longer than {LONGEST:,} characters; skipped")
                while line and not line.endswith("\n"):
                    line = self.stream.readline(LONGEST)
                continue
            yield number, self.decoded(line.removesuffix("\n").removesuffix("\r"), number)


def texts(path: Path, report: Report, progress: Progress | None, inside: re.Pattern[str]) -> Iterator[Text]:
    """The file itself; or those in an archive or a folder whose whole name, without folders, matches `inside`."""
    with ExitStack() as stack:
        members = _members(path, inside, stack)
        total, done = sum(size for _, size, _ in members), 0
        for name, size, begin in members:
            with _opened(name, begin) as raw, _Counted(raw, name, report, done, total, progress) as counted:
                buffered = io.BufferedReader(counted, HEAD)
                encoding, errors = _encoding(buffered)
                start = buffered.peek(HEAD)[:HEAD].decode(encoding, "replace").lstrip()
                with io.TextIOWrapper(buffered, encoding, errors, newline="\n") as stream:
                    yield Text(name, start, stream, report)
            done += size


def head(path: Path, inside: re.Pattern[str], ours: bool = False) -> str:
    """The first characters of the first text that `texts` would give; "" for none, or if it is our export unasked."""
    try:
        for text in texts(path, lambda problem: None, None, inside):
            return "" if text.start.startswith(OURS) and not ours else text.start
    except BadInput:
        return ""
    return ""


Member = tuple[str, int, Callable[[], IO[bytes]]]  # name, bytes, how to open it


def _members(path: Path, inside: re.Pattern[str], stack: ExitStack) -> list[Member]:
    if not path.is_dir() and not path.is_file():  # a pipe or a device may never end
        raise BadInput(f"{path} is not a file" if path.exists() else f"there is no file {path}")
    try:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if inside.fullmatch(file.name) and file.is_file())
        else:
            files = [path]
        if files == [path] and _packed(path):
            archive = stack.enter_context(zipfile.ZipFile(path))
            found = _archived(path, archive, [i for i in archive.infolist() if inside.fullmatch(Path(i.filename).name)])
        else:
            found = [_plain(file) for file in files]
    except BadInput:
        raise
    except BROKEN as error:
        raise BadInput(f"cannot open {path}: {error}") from None
    if not found:
        raise BadInput(f"{path} holds no file called like {inside.pattern}")
    return found


def _packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _plain(path: Path) -> Member:
    return str(path), path.stat().st_size, lambda: path.open("rb")


def _archived(path: Path, archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> list[Member]:
    infos = sorted((i for i in infos if not i.filename.startswith("__MACOSX/")), key=lambda info: info.filename)
    for info in infos:
        if info.flag_bits & 1:
            raise BadInput(f"{path} is encrypted; unpack it first")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput(f"{info.filename} in {path} is packed in a way we do not read; unpack it first")
        if info.file_size > SMALL and info.file_size > RATIO * info.compress_size:
            raise BadInput(f"{info.filename} in {path} unpacks to over {RATIO} times its size; unpack it first")
    if sum(info.file_size for info in infos) > MOST:
        raise BadInput(f"{path} unpacks to more than {MOST >> 30} GiB; unpack it first")
    # zipfile itself stops reading at the size the archive declares
    return [(f"{path}/{info.filename}", info.file_size, partial(archive.open, info)) for info in infos]


def _opened(name: str, start: Callable[[], IO[bytes]]) -> IO[bytes]:
    try:
        return start()
    except BROKEN as error:
        raise BadInput(f"cannot open {name}: {error}") from None


def _encoding(buffered: "io.BufferedReader[_Counted]") -> tuple[str, str]:
    mark = buffered.peek(3)[:3]
    if mark.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", "replace"  # surrogateescape cannot hold half a UTF-16 unit
    return "utf-8-sig" if mark == b"\xef\xbb\xbf" else "utf-8", "surrogateescape"


class _Counted(io.RawIOBase):
    """Tells how far reading has come, and turns a file that breaks off into one that ends there, reported."""

    def __init__(
        self, raw: IO[bytes], name: str, report: Report, done: int, total: int, progress: Progress | None
    ) -> None:
        self.raw, self.name, self.report = raw, name, report
        self.done, self.total, self.progress = done, total, progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # the stub's Buffer is 3.12
        try:
            data = self.raw.read(len(buffer))
        except BROKEN as error:
            self.report(Problem(self.name, 0, f"the file is damaged and was read only up to there: {error}"))
            return 0
        buffer[: len(data)] = data
        self.done += len(data)
        if self.progress and data:
            self.progress(self.done, self.total)
        return len(data)
