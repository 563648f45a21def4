"""The measuring child of text_speed.py: one engine, one size, one process; a JSON line for each stage it finishes."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from conversation import Said, conversation, questions
from engines import BATCH, ENGINES, Engine

SINGLES, BATCHES, QUESTIONS, WARM = 200, 2, 120, 20
EXTRA = SINGLES + BATCHES * BATCH  # events added on top of n while measuring
LEG_S = 60.0  # the longest one leg of single calls may take


def measure(engine: str, n: int, folder: Path, shared: Path, options: dict[str, Any]) -> None:
    """Import n events, then time single adds, batches and searches on top of them."""
    vectors, asked = np.load(shared / "vectors.npy", mmap_mode="r"), np.load(shared / "questions.npy")
    store = ENGINES[engine](folder, vectors.shape[1], **options)
    say("import", **fill(store, conversation(n), vectors, box_of(engine)))
    coming = conversation(n + EXTRA, first=n)
    say("single", **timed([_adding(store, [said], vectors) for said in islice(coming, SINGLES)]))
    batches = [list(islice(coming, BATCH)) for _ in range(BATCHES)]
    say("batch", **timed([_adding(store, batch, vectors) for batch in batches], things=BATCH, warm=0))
    found: list[Any] = []
    for stage, filtered in (("search", False), ("filtered", True)):
        asking = list(zip(questions(n, QUESTIONS), asked, strict=True))
        calls = [_searching(store, q, v, q.user if filtered else None, found) for q, v in asking]
        say(stage, **timed(calls, warm=WARM))
    ram = peak_mb()  # before the key is read in
    recall = getattr(store, "nearest", None)
    nearest = [recall(v) for v in asked] if recall else found[: len(asked)]
    if len(nearest) == len(asked) and not getattr(store, "minilm", False):  # the key is of the vectors given
        say("recall", at10=against(nearest, np.load(shared / "truth.npy"), n))
    store.close()
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    say("size", bytes_per_event=size / (n + EXTRA), rss_mb=ram)


def reopen(engine: str, n: int, folder: Path, shared: Path, options: dict[str, Any]) -> None:
    """Open what is there and ask once, in a process that has imported the engine but not touched the files."""
    (question,), asked = questions(n, 1, seed=1), np.load(shared / "questions.npy")
    ENGINES[engine](folder / "empty", asked.shape[1], **options).close()
    wall, cpu = time.perf_counter(), time.process_time()
    store = ENGINES[engine](folder, asked.shape[1], **options)
    store.search(question.text, asked[0], None)
    say("reopen", cpu_ms=1000 * (time.process_time() - cpu), wall_ms=1000 * (time.perf_counter() - wall))
    store.close()


def fill(store: Engine, events: Iterator[Said], vectors: Any, box: float) -> dict[str, float]:
    """Add all in batches; only the adding is timed."""
    count, wall, cpu = 0, 0.0, 0.0
    while batch := list(islice(events, BATCH)):
        piece = vectors[batch[0].number : batch[-1].number + 1].copy()
        began, before = time.perf_counter(), time.process_time()
        store.add(batch, piece)
        cpu, wall, count = cpu + time.process_time() - before, wall + time.perf_counter() - began, count + len(batch)
        if wall > box:
            raise SystemExit(f"{count:,} events in {wall:.0f} s, box is {box:.0f} s")
    return {"events": count, "per_s": count / wall, "per_cpu_s": count / cpu}


def timed(calls: Sequence[Callable[[], object]], things: int = 1, warm: int = 5) -> dict[str, float]:
    """Milliseconds for each thing: medians and 95th percentiles, without the first `warm` calls."""
    laps = []
    began = time.perf_counter()
    for call in calls:
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        laps.append((time.process_time() - cpu, time.perf_counter() - wall))
        if time.perf_counter() - began > LEG_S and len(laps) > warm + 5:
            break
    ms = 1000 * np.array(laps[warm:]) / things
    (cpu50, wall50), (cpu95, wall95) = np.quantile(ms, (0.5, 0.95), axis=0).tolist()
    return {"cpu_ms": cpu50, "cpu_ms_p95": cpu95, "wall_ms": wall50, "wall_ms_p95": wall95, "calls": len(ms)}


def against(found: Sequence[Sequence[int | str]], truth: Any, n: int) -> float:
    """The share of the exact ten nearest that were found. What was added on top of n may have taken a place."""
    number_of: dict[str, int] = {}
    if any(isinstance(key, str) for keys in found for key in keys):
        number_of = {said.text: said.number for said in conversation(n + EXTRA)}
    shares = []
    for keys, best in zip(found, truth, strict=True):
        numbers = {number_of[key] if isinstance(key, str) else key for key in keys}
        shares.append(len(numbers & set(best.tolist())) / len(best))
    return float(np.mean(shares))


def box_of(engine: str) -> float:
    """Seconds that the import may take."""
    return 900.0 if engine in ("remanence", "given") else 400.0


def say(stage: str, **values: float) -> None:
    print(json.dumps({"stage": stage, **values}), flush=True)


def peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _adding(store: Engine, said: list[Said], vectors: Any) -> Callable[[], object]:
    piece = vectors[said[0].number : said[-1].number + 1].copy()
    return lambda: store.add(said, piece)


def _searching(store: Engine, question: Said, vector: Any, user: str | None, found: list[Any]) -> Callable[[], object]:
    return lambda: found.append(store.search(question.text, vector, user))
