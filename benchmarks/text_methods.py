"""What every text method costs as its memory grows: write, consolidate, read, bytes, and how much more at ten times.

    python benchmarks/text_methods.py --sizes 1000 10000
    python benchmarks/text_methods.py --sizes 1000 10000 100000 --methods words dense --limit-s 240

Each method grows one memory in a process of its own, one thread, no language model; at each size it is consolidated,
then asked. `write` and `last` are CPU milliseconds an event, of the median batch of 1,000 since the size before and of
the last; `tidy` is consolidating, an event held; `first` is the first question, which pays for what a method loads or
builds after a write, and `read` the median of those that follow. `x` says how many times the line above it: at ten
times the events 1.0 is flat and 10 linear. A method that runs out of time, its own and not that of others on the
machine, says how far it came.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from engines import BATCH, Remanence
from measure import say, timed
from statements import asking, stating
from text_speed import boxed

from remanence.bench.clock import Clock
from remanence.registry import names

HERE = Path(__file__).resolve()
QUESTIONS, WARM, K = 40, 5, 10
WALL = 10  # times the limit of CPU, for a process that waits and does nothing
COLUMNS = {  # of the table: what the child calls it, digits, whether its growth is shown
    "write": ("write_ms", 3, False),
    "last": ("last_ms", 3, True),
    "tidy": ("tidy_ms", 3, False),
    "first": ("first_ms", 1, False),
    "read": ("read_ms", 2, True),
    "B/event": ("bytes_per_event", 0, True),
}
Values = dict[str, Any]


def main() -> None:
    said = arguments()
    if said.child:
        with within(said.limit_s):
            grow(said.child, sorted(said.sizes), said.embed, Path(said.folder))
        return
    heads = [cell for name, (_, _, grows) in COLUMNS.items() for cell in ([name, "x"] if grows else [name])]
    print(line(["method", "events", *heads]))
    for method in said.methods or names("text"):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, str(HERE), "--child", method, "--folder", folder, "--embed", said.embed]
            command += ["--limit-s", str(said.limit_s), "--sizes", *map(str, said.sizes)]
            out, why = boxed(command, WALL * said.limit_s)
        for cells in rows([json.loads(text) for text in out.splitlines()], why):
            print(line([method, *cells]), flush=True)


def arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    ask.add_argument("--methods", nargs="+", choices=names("text"), metavar="NAME", help="all unless said")
    ask.add_argument("--limit-s", type=float, default=300, help="CPU seconds a method may take, all sizes together")
    ask.add_argument("--embed", default="static")
    for hidden in ("--child", "--folder"):
        ask.add_argument(hidden, help=argparse.SUPPRESS)
    return ask.parse_args()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End this process with a word when it has used so much CPU."""

    def look(*_: object) -> None:
        if time.process_time() > seconds:
            sys.exit(f"not done in {seconds:.0f} s")

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)  # not RLIMIT_CPU, under which the clock of CPU time counts whole ticks
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)  # or it would kill the interpreter on its way out


def grow(method: str, sizes: Sequence[int], embed: str, folder: Path) -> None:
    """The child: one memory, measured at each size on its way up."""
    store, held = Remanence(folder, 0, method, embed), 0
    for n in sizes:
        writes, tidy, coming = Clock(), Clock(), stating(n, first=held)
        while batch := list(islice(coming, BATCH)):
            say("at", n=n, doing="writing", events=held)
            with writes.lap(len(batch)):
                store.add(batch, None)
            held, now = held + len(batch), batch[-1].at
        say("at", n=n, doing="consolidating", events=held)
        with tidy.lap(held):
            store.memory.consolidate(now=now)
        say("at", n=n, doing="reading", events=held)
        calls = [partial(store.memory.search, q.text, K, now=now) for q in asking(n, QUESTIONS)]
        first = timed(calls[:1], warm=0)["cpu_ms"]
        (write, dust), last = (clock.timing() for clock in (writes, tidy)), writes.laps[-1]
        say(
            "size", n=n, write_ms=write.cpu_ms, last_ms=1000 * last[1] / last[0], tidy_ms=dust.cpu_ms,
            first_ms=first, read_ms=timed(calls[1:], warm=WARM)["cpu_ms"],
            bytes_per_event=store.memory.status()["bytes"] / held,
        )  # fmt: skip
    store.close()


def rows(stages: Sequence[Values], why: str) -> Iterator[list[str]]:
    """A line a size that was reached, and one for what stopped it."""
    before: Values = {}
    for size in (stage for stage in stages if stage["stage"] == "size"):
        cells = [f"{size['n']:,}"]
        for key, digits, grows in COLUMNS.values():
            cells.append(f"{size[key]:,.{digits}f}")
            if grows:
                cells.append(f"{size[key] / before[key]:.1f}" if before else "")
        yield cells
        before = size
    if why:
        last = stages[-1] if stages else {}
        where = f" while {last['doing']}, {last['events']:,} events in" if "doing" in last else ""
        yield [f"{last['n']:,}" if last else "-", f"{why}{where}"]


def line(cells: Sequence[str]) -> str:
    """The columns' widths are fixed, so that a line can be shown as soon as it is known."""
    name, events, *values = cells
    shown = [f"{value:>9}" for value in values] if len(values) > 1 else [f"  {values[0]}"]
    return f"{name:<24}{events:>9}{''.join(shown)}".rstrip()


if __name__ == "__main__":
    main()
