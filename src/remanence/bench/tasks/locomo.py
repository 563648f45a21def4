"""Ten long conversations of two people, with questions whose evidence turns are known.

Source:  Maharana et al. 2024, "Evaluating Very Long-Term Conversational Memory of LLM Agents" (arXiv 2402.17753).
Idea:    a memory that finds the turns an answer stands in has done its part; no language model is needed to see that.
Data:    locomo10.json of snap-research/locomo, CC BY-NC 4.0.
Differs: answers are not graded, only evidence; questions whose evidence cannot be mapped to turns are left out.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

from remanence.bench.base import Advance, Found, Observe, Probe, Score, Step, World
from remanence.bench.data import find
from remanence.bench.metrics import all_found, recall, reciprocal_rank
from remanence.bench.tasks.base import Base
from remanence.errors import BadConfig
from remanence.records import Event

SHA256 = "79fa87e90f04081343b8c8debecb80a9a6842b76a7aa537dc9fdf651ea698ff4"
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
TURN = re.compile(r"D:?(\d+):0*(\d+)")  # also the two misspelt ids, D:11:26 and D30:05
DEPTHS = (5, 10, 20, 50)
SESSIONS = (5, 10)


@dataclass
class LoCoMo(Base):
    """One world a conversation, one event a turn, written session by session."""

    metrics: ClassVar[Mapping[str, str]] = {
        **{f"recall@{k}": f"share of the evidence turns among the first {k} distinct turns cited" for k in DEPTHS},
        "all@10": "1 when every evidence turn is among the first 10",
        "mrr": "one over the place of the first evidence turn",
        **{f"session@{k}": f"share of the evidence's sessions among the first {k} distinct sessions" for k in SESSIONS},
    }
    forms: ClassVar[tuple[str, ...]] = ("text", "embed")

    captions: bool = True  # what the shared photos show, as the data describes it, is part of the turn
    consolidate: bool = True  # after the last session, before the first question
    sha256: str = SHA256  # "" takes any file of this schema, and then it is not this benchmark

    def worlds(self, seed: int) -> Iterator[World]:
        half = (len(self._conversations) + 1) // 2
        for i, sample in enumerate(self._conversations):
            yield self._world(sample, "first half" if i < half else "last half")

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        turns = found.ranked
        sessions = list(dict.fromkeys(world.group_of[turn] for turn in turns))
        wanted = {world.group_of[turn] for turn in probe.gold}
        return {
            **{f"recall@{k}": Score(recall(turns, probe.gold, k)) for k in DEPTHS},
            "all@10": Score(all_found(turns, probe.gold, 10)),
            "mrr": Score(reciprocal_rank(turns, probe.gold)),
            **{f"session@{k}": Score(recall(sessions, wanted, k)) for k in SESSIONS},
        }

    def size(self) -> int:
        return sum(len(_gold(qa, turns)) > 0 for turns, qa in self._questions())

    def notes(self) -> list[str]:
        mute = sum(not _gold(qa, turns) for turns, qa in self._questions())
        lost = [e for turns, qa in self._questions() for e in qa["evidence"] if not _known(e, turns)]
        return [
            f"{mute} of {self.size() + mute} questions are left out: none of their evidence is a turn. "
            f"Evidence that could not be mapped: {', '.join(lost) or 'none'}."
        ]

    @cached_property
    def _conversations(self) -> list[dict[str, Any]]:
        source = "https://github.com/snap-research/locomo"
        path = find(self.data, "locomo10.json", self.sha256, source)
        samples: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return samples

    def _questions(self) -> Iterator[tuple[set[str], dict[str, Any]]]:
        for sample in self._conversations:
            turns = {turn["dia_id"] for _, said in _sessions(sample) for turn in said}
            for qa in sample["qa"]:
                yield turns, qa

    def _world(self, sample: dict[str, Any], half: str) -> World:
        steps: list[Step] = []
        event_of: dict[str, Event] = {}
        for number, said in _sessions(sample):
            began = when(sample["conversation"][f"session_{number}_date_time"])
            events = [self._event(turn, number, began + timedelta(seconds=i)) for i, turn in enumerate(said)]
            event_of |= {turn["dia_id"]: event for turn, event in zip(said, events, strict=True)}
            steps.append(Observe(events))
        end = max(event.at for event in event_of.values())
        if self.consolidate:
            steps.append(Advance(end))
        for qa in sample["qa"]:
            if gold := _gold(qa, set(event_of)):
                category = CATEGORIES[qa["category"]]
                tags = {"category": category, "half": half, "conversation": sample["sample_id"]}
                tags["answerable"] = "no" if category == "adversarial" else "yes"
                ids = tuple(event_of[turn].id for turn in gold)
                answers = (str(qa["answer"]),) if "answer" in qa else ()
                steps.append(Probe(qa["question"], ids, answers, k=max(DEPTHS), now=end, tags=tags))
        return World(sample["sample_id"], steps, {event.id: event.session for event in event_of.values()})

    def _event(self, turn: dict[str, Any], session: int, at: datetime) -> Event:
        seen = f" [shares a photo: {turn['blip_caption']}]" if self.captions and turn.get("blip_caption") else ""
        return Event(turn["text"] + seen, at, speaker=turn["speaker"], session=f"session {session}")


def when(text: str) -> datetime:
    """ "1:56 pm on 8 May, 2023", taken as UTC."""
    try:
        return datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadConfig(f"a session of LoCoMo has no time we can read: {error}") from None


def _sessions(sample: dict[str, Any]) -> list[tuple[int, list[dict[str, Any]]]]:
    talk = sample["conversation"]
    numbers = sorted(int(key[8:]) for key in talk if re.fullmatch(r"session_\d+", key))
    return [(n, talk[f"session_{n}"]) for n in numbers]


def _known(evidence: str, turns: set[str]) -> list[str]:
    return [id for id in (f"D{s}:{t}" for s, t in TURN.findall(evidence)) if id in turns]


def _gold(qa: dict[str, Any], turns: set[str]) -> list[str]:
    return list(dict.fromkeys(id for evidence in qa["evidence"] for id in _known(evidence, turns)))
