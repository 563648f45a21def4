"""Questions put to a conversation of some weeks: what is recalled, when it was said, why, and where it stands.

Run by `make demo`. Nothing is asked of a model or a network.
"""

import json
import time
from pathlib import Path

import remanence

HERE = Path(__file__).parent


def show(hit: remanence.Hit, place: int) -> None:
    why = "  ".join(f"{name} {part:+.2f}" for name, part in sorted(hit.why.items(), key=lambda item: -abs(item[1])))
    source = hit.sources[0]
    print(f"  {place}. {hit.at:%a %d %b %Y}  {hit.record.speaker}: {hit.text}")
    print(f"     score {hit.score:.2f} = {why}")
    print(
        f"     source: event {source.event[:8]}, characters {source.start}-{source.end}, session {hit.record.session}"
    )


def main() -> None:
    with remanence.open(":memory:") as memory:
        start = time.perf_counter()
        added = memory.import_(HERE / "chats.jsonl")
        print(f"{added.new} messages imported and searchable in {time.perf_counter() - start:.2f} s, no model asked.\n")
        for asked in json.loads((HERE / "questions.json").read_text()):
            seen = memory.as_of(asked["as_of"]) if "as_of" in asked else memory
            when = f"   [as of {asked['as_of']}]" if "as_of" in asked else ""
            print(f"{asked['question']}{when}")
            for place, hit in enumerate(seen.search(asked["question"], k=3, now=asked.get("now")), 1):
                show(hit, place)
            print()


if __name__ == "__main__":
    main()
