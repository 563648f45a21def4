"""The only runner: puts one task to several memories, one after the other, and gives a row for each."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from typing import Any, TypeVar, cast

from remanence.bench.average import Average, average
from remanence.bench.base import (
    Advance,
    Contender,
    Continue,
    Found,
    Observe,
    Probe,
    Read,
    Reader,
    Score,
    Subject,
    World,
)
from remanence.bench.clock import Clock
from remanence.bench.row import CROSS, Cost, Row, commit, versions
from remanence.bench.tasks.base import Base as Task
from remanence.errors import BadConfig, LMError, RemanenceError
from remanence.lm.base import Usage
from remanence.text.parts.render import count

TOKENS_AT = 10  # texts
Progress = Callable[[str, int, int | None], None]  # who, probes answered, of how many if known
T = TypeVar("T")


def run(
    task: Task,
    contenders: Sequence[Contender],
    *,
    seed: int = 0,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Row]:
    """A row for each contender, as it is done. After `limit` probes it stops, whatever world it is in.

    A contender that raises one of our errors has a row with status "failed" and the scores left out, and the others go
    on. An error of the task, missing data for one, is raised.
    """
    if limit is not None and limit < 1:
        raise BadConfig(f"limit must be at least 1, got {limit}")
    for contender in contenders:
        if contender.form not in task.forms:
            forms = " or ".join(task.forms)
            raise BadConfig(f"{name_of(task)} is put to a memory of form {forms}; {contender.name} is {contender.form}")
    made_by = {"versions": versions(), "commit": commit()}  # of when it began, whatever changes on disk meanwhile
    for contender in contenders:
        yield _Trial(task, contender, seed, limit, progress or (lambda who, done, total: None), made_by).row()


def name_of(task: Task) -> str:
    """The file's name is the task's name."""
    return type(task).__module__.rpartition(".")[2]


def settings_of(task: Task) -> dict[str, Any]:
    """All that changes what is asked; where the data lies does not."""
    return {f.name: getattr(task, f.name) for f in fields(task) if f.init and f.name != "data"}


class _Failed(Exception):
    """The contender raised; the task did not."""


@dataclass
class _Trial:
    """One contender living through all worlds of a task."""

    task: Task
    contender: Contender
    seed: int
    limit: int | None
    progress: Progress
    made_by: dict[str, Any]
    worlds: int = 0
    events: int = 0
    probes: int = 0
    tokens: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    marks: list[tuple[str, Probe, Mapping[str, Score]]] = field(default_factory=list)
    clocks: dict[str, Clock] = field(default_factory=lambda: {n: Clock() for n in ("write", "read", "ask", "advance")})

    def row(self) -> Row:
        began, before, error = time.perf_counter(), self.contender.usage(), ""
        about: Mapping[str, Any] = {}
        try:
            about = self._try(self.contender.about)
            for world in self.task.worlds(self.seed):
                self._live(world)
                if self.probes == self.limit:
                    break
        except _Failed as failed:
            error = f"{type(failed.__cause__).__name__}: {failed.__cause__}"
        cost = self._cost(time.perf_counter() - began, before)
        return Row(
            form=self.contender.form, task=name_of(self.task), memory=self.contender.name,
            status="failed" if error else "done", error=error, seed=self.seed, limit=self.limit,
            worlds=self.worlds, probes=self.probes, events=self.events, cost=cost,
            scores={} if error else self._averages(self.marks), groups={} if error else self._groups(),
            task_settings=settings_of(self.task), settings=about.get("settings", {}),
            embedder=about.get("embedder", ""), lm=about.get("lm", ""), notes=tuple(self.task.notes()),
            versions=self.made_by["versions"] | about.get("versions", {}), commit=self.made_by["commit"],
        )  # fmt: skip

    def _live(self, world: World) -> None:
        subject = self._try(self.contender.subject)
        try:
            self.worlds += 1
            for step in world.steps:
                if isinstance(step, Read | Continue):  # who takes the task's form knows its steps
                    self._tokens(world, cast(Reader, subject), step)
                else:
                    self._take(world, cast(Subject, subject), step)
                if self.probes == self.limit:
                    break
            for name, size in self._try(subject.sizes).items():
                self.sizes[name] = self.sizes.get(name, 0) + size
        finally:
            subject.close()

    def _take(self, world: World, subject: Subject, step: Observe | Advance | Probe) -> None:
        if isinstance(step, Observe):
            if step.events:
                self._timed("write", lambda: subject.observe(step.events), len(step.events))
                self.events += len(step.events)
        elif isinstance(step, Advance):
            self._timed("advance", lambda: subject.advance(step))
        else:
            found = self._timed("read", lambda: subject.recall(step))
            found = self._asked(subject, step, found) if step.ask else found
            self.tokens += sum(count(text) for text in islice(found.texts, TOKENS_AT))
            self._mark(world, step, found)

    def _tokens(self, world: World, reader: Reader, step: Read | Continue) -> None:
        if isinstance(step, Read):
            self._timed("write", lambda: reader.read(step.ids), len(step.ids))
            self.events += len(step.ids)
        else:
            if not step.told:
                self._try(reader.rewind)
            found = self._timed("read", lambda: reader.go_on(step), len(step.target))
            self.events += len(step.target) if step.told else 0
            self.tokens += found.attended
            self._mark(world, step, found)

    def _mark(self, world: World, probe: Probe, found: Found) -> None:
        scores = self.task.grade(world, probe, found)
        assert scores.keys() <= self.task.metrics.keys(), f"undeclared: {scores.keys() - self.task.metrics.keys()}"
        self.marks.append((world.name, probe, scores))
        self.probes += 1
        self.progress(self.contender.name, self.probes, self._total())

    def _asked(self, subject: Subject, probe: Probe, found: Found) -> Found:
        try:
            with self.clocks["ask"].lap():
                return replace(found, answer=subject.ask(probe))
        except LMError as error:
            return replace(found, silence=f"{type(error).__name__}: {error}")
        except RemanenceError as error:
            raise _Failed from error

    def _timed(self, what: str, call: Callable[[], T], things: int = 1) -> T:
        with self.clocks[what].lap(things):
            return self._try(call)

    def _try(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except RemanenceError as error:
            raise _Failed from error

    def _total(self) -> int | None:
        size = self.task.size()
        return size if self.limit is None else min(self.limit, size or self.limit)

    def _averages(self, marks: Sequence[tuple[str, Probe, Mapping[str, Score]]]) -> dict[str, Average]:
        averages = {}
        for metric in self.task.metrics:
            scores = [(world, scores[metric]) for world, _, scores in marks if metric in scores]
            graded = [(world, score.value) for world, score in scores if score.status == "graded"]
            if scores:
                averages[metric] = average(graded, len(scores) - len(graded))
        return averages

    def _groups(self) -> dict[str, dict[str, dict[str, Average]]]:
        parts: dict[str, dict[str, list[tuple[str, Probe, Mapping[str, Score]]]]] = {}
        for mark in self.marks:
            tags = dict(mark[1].tags)
            if self.task.crossed and tags.keys() >= set(self.task.crossed):
                tags[CROSS.join(self.task.crossed)] = CROSS.join(tags[tag] for tag in self.task.crossed)
            for tag, value in tags.items():
                parts.setdefault(tag, {}).setdefault(value, []).append(mark)
        return {tag: {v: self._averages(part) for v, part in sorted(of.items())} for tag, of in sorted(parts.items())}

    def _cost(self, seconds: float, before: Usage) -> Cost:
        after = self.contender.usage()
        kept = self.sizes.get("bytes", 0)
        timings = {name: clock.timing() for name, clock in self.clocks.items()}
        return Cost(
            seconds, kept, kept / max(1, self.events), self.tokens / max(1, self.probes), after.calls - before.calls,
            after.prompt_tokens + after.reply_tokens - before.prompt_tokens - before.reply_tokens,
            timings["write"], timings["read"], timings["ask"], timings["advance"], self.sizes,
        )  # fmt: skip
