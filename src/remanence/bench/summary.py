"""Several tasks in one table: a line a memory, a headline number a task, and what all of it cost together."""

from collections.abc import Iterator, Sequence

from remanence.bench.average import ENOUGH_WORLDS
from remanence.bench.clock import Timing
from remanence.bench.row import Row
from remanence.bench.table import aligned, score

FOOT = (
    f"± standard error, clustered by world from {ENOUGH_WORLDS} worlds on; B/event: of all tasks together; write and "
    "read: each task's median ms of CPU an event and a question, averaged by events and questions; lm calls: of all"
)


def summary(rows: Sequence[Row], metrics: Sequence[str] = ()) -> str:
    """`metrics` chooses what is shown of each task, "locomo.mrr" or "mrr"; its headline otherwise."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    shown = {task: headline([row for row in rows if row.task == task], metrics) for task in tasks}
    lines = [["memory", *(f"{task} {shown[task]}".rstrip() for task in tasks), *COSTS]]
    errors = [""]
    for of in by_memory(rows):
        cells = [_cell(next((row for row in of if row.task == task), None), shown[task]) for task in tasks]
        lines.append([of[0].memory, *cells, *costs(of)])
        errors.append("".join(f"  {', '.join(where)} failed: {why}" for why, where in _failures(of).items()))
    told = [line + error for line, error in zip(aligned(lines), errors, strict=True)]
    return "\n".join([*told, FOOT, *answered(rows), *dict.fromkeys(f"{r.task}: {n}" for r in rows for n in r.notes)])


def headline(rows: Sequence[Row], metrics: Sequence[str] = ()) -> str:
    """The metric that speaks for a task: the first asked for that it has, else its own first; "" where none was scored.

    All rows are of that task.
    """
    scored = next((row for row in rows if row.scores), None)
    if scored is None:
        return ""
    wanted = [metric.removeprefix(f"{scored.task}.") for metric in metrics]
    return next((metric for metric in wanted if metric in scored.scores), next(iter(scored.scores)))


def by_memory(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each memory, in the order in which the memories first came."""
    memories: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        memories.setdefault((row.form, row.memory), []).append(row)
    return list(memories.values())


COSTS = ("B/event", "write ms", "read ms", "lm calls")


def costs(rows: Sequence[Row]) -> list[str]:
    """What the tasks cost one memory, as COSTS names it; failed rows are left out."""
    done = [row for row in rows if row.status == "done"]
    if not done:
        return ["-"] * len(COSTS)
    kept = sum(row.cost.bytes for row in done) / max(1, sum(row.events for row in done))
    write, read = _ms([row.cost.write for row in done]), _ms([row.cost.read for row in done])
    return [f"{kept:.0f}", write, read, str(sum(row.cost.lm_calls for row in done))]


def answered(rows: Sequence[Row]) -> Iterator[str]:
    """Which language model and which embedder the numbers are of."""
    for what, ids in (("language model", {row.lm for row in rows}), ("embedder", {row.embedder for row in rows})):
        if named := sorted(ids - {""}):
            yield f"{what}: {', '.join(named)}"


def _failures(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Each error with the tasks it was raised in."""
    errors: dict[str, list[str]] = {}
    for row in rows:
        if row.status == "failed":
            errors.setdefault(" ".join(row.error.split()), []).append(row.task)
    return errors


def _cell(row: Row | None, metric: str) -> str:
    return "failed" if row is not None and row.status == "failed" else score(row.scores.get(metric) if row else None)


def _ms(timings: Sequence[Timing | None]) -> str:
    known = [timing for timing in timings if timing is not None]
    count = sum(timing.count for timing in known)
    return f"{sum(timing.cpu_ms * timing.count for timing in known) / count:.2f}" if count else "-"
