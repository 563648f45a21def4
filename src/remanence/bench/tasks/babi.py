"""Twenty small worlds of people, rooms and things: which of the lines told answer the question, and what is the answer?

Source:  Weston et al. 2015, "Towards AI-Complete Question Answering: A Set of Prerequisite Toy Tasks" (arXiv
         1502.05698).
Idea:    every question names the lines that support it; the lines before it in its story are all there is to find.
Data:    the test files of bAbI v1.2, en (1,000 questions a task), CC BY 3.0.
Differs: the first `stories` of each task; memories are not trained on the other half of the data.

A world is a task, a user of it a story; stories are told side by side, each up to its next question. A question is
asked of its own story alone (`user`), before the lines that follow it are told.

    all@5    1 when every supporting line is among the first 5 distinct lines cited
    first    share of the supporting lines among as many: with three of them, among the first 3
    right    with `ask`: of all words that are answers somewhere in the task, the reply holds those of the right answer
             and no other, in order where the answer is a path; not graded when the language model gives no answer
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice, zip_longest
from typing import ClassVar

from remanence.bench.base import UNGRADED, Found, Observe, Probe, Score, Step, World
from remanence.bench.data import find
from remanence.bench.metrics import WORD, all_found, recall
from remanence.bench.tasks.base import Base
from remanence.errors import BadConfig
from remanence.records import Event, Scope

SOURCE = "https://research.facebook.com/downloads/babi/"
FILES = {
    "qa1_single-supporting-fact": "55acf66cef2f6d798e2aa1d056e1ec8f24e910ea9215b639450574321132959b",
    "qa2_two-supporting-facts": "eff93fb9cd81ba02eb765772cf7cc269769ed44ec71cbbbc19cfb16ee5eba0f6",
    "qa3_three-supporting-facts": "17795c977100baf8188f386522ae301b62d6c1a13efc01b3aea781e588b4d57f",
    "qa4_two-arg-relations": "07f0ca18ddeea9eed4ba6d59e162adcb0ce44815721114b3540d92825509331e",
    "qa5_three-arg-relations": "ec825c1c8a76e63a31f0d7a7763cd63740e98332fa9bdf246a19068949bd5f97",
    "qa6_yes-no-questions": "b108b16f1eccbd1c24df6dca2649079a7b2f10af7fd12d4c45a3393802de59e3",
    "qa7_counting": "a74d1f2b91329b2bae814d41cdac2fbdfdf0328562b7d8afa9a0fa576d461e27",
    "qa8_lists-sets": "362a653c821a580fa315a85243b4f03bfa06fa7e0269b6f8e596f8fe6911646a",
    "qa9_simple-negation": "63590aff3f89993db409f0e9a9eb39c2a5b9d5efff99b255d800a891b0044d9f",
    "qa10_indefinite-knowledge": "fde8f20ed0b3ba979058ed391a566af34653f23baab5b2793ee37f87ef4e88b7",
    "qa11_basic-coreference": "46f3290d0158ce1285a40cd2d793f5a65f86ae5000226e165cbc85a3dfeb2f6f",
    "qa12_conjunction": "6437718f8f9801ce345869e910b896836cdc6fd2d01dc7b4d2df49730703b4b1",
    "qa13_compound-coreference": "76a25b684f23c9cc473d8cd1465506168b9a1ec8891cfc59d0bbd87e6a064990",
    "qa14_time-reasoning": "e3f0b19858ffbec3ed1e49076cc4d1295a89ce146c50318b862f13f202b3caf2",
    "qa15_basic-deduction": "32b77e117fe9acf5f94906684e3b5206de0108e646c76e1da3e022896ec7ee94",
    "qa16_basic-induction": "4a11e55366f2a5a859b5a81f683ee23801bdbe71ef984e51adb976bd053e8dcf",
    "qa17_positional-reasoning": "9e1e0250ed4ec1831757fab26c04138f81ea557ebf6976a220db879cbed04bac",
    "qa18_size-reasoning": "d34f70eb7228a276fcb3a7854174fe562c5634f4fb454a39fc3d1ad9934be3ef",
    "qa19_path-finding": "023e391f0d7f79c9e6ae1c46c093e2d0dbd50ab8fbd8965e037a75e3614c20e5",
    "qa20_agents-motivations": "bd3bde3788ac14ba0ae095078f7b820fbd2bfa6a34dba9d1d46a34afde9c2729",
}
DEPTHS = (5, 10)
START = datetime(2015, 2, 19, tzinfo=UTC)
LINE = re.compile(r"(\d+) ([^\t]+)(?:\t([^\t]+)\t([\d ]+))?")
PATHS = "19 path finding"  # the only answers whose words have an order


@dataclass
class BAbI(Base):
    """One world a task. `tasks` are their numbers, with commas between."""

    metrics: ClassVar[Mapping[str, str]] = {
        "all@5": "1 when every supporting line is among the first 5",
        **{f"recall@{k}": f"share of the supporting lines among the first {k}" for k in DEPTHS},
        "first": "share of the supporting lines among the first as many",
        "right": "the reply holds the right answer and no other of the task's",
    }

    tasks: str = ",".join(map(str, range(1, 21)))
    stories: int = 20  # of each task, from its beginning; at most 1000
    ask: bool = True
    checked: bool = True  # False takes any file of these names, and then it is not this benchmark

    def __post_init__(self) -> None:
        known = {name.partition("_")[0][2:] for name in FILES}
        if unknown := [number for number in self.tasks.split(",") if number not in known]:
            raise BadConfig(f"tasks are numbers from 1 to 20 with commas between, got {', '.join(unknown)!r}")

    def worlds(self, seed: int) -> Iterator[World]:
        for name, lines in self._lines.items():
            yield self._world(name, lines)

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        ranked = found.ranked
        scores = {
            "all@5": Score(all_found(ranked, probe.gold, 5)),
            **{f"recall@{k}": Score(recall(ranked, probe.gold, k)) for k in DEPTHS},
            "first": Score(recall(ranked, probe.gold, len(probe.gold))),
        }
        if probe.ask:
            scores["right"] = UNGRADED if found.answer is None else Score(self._right(world, probe, found.answer))
        return scores

    def _right(self, world: World, probe: Probe, reply: str) -> float:
        said = [word for word in WORD.findall(reply.lower()) if word in self._answers[world.name]]
        wanted = WORD.findall(probe.answers[0].lower())
        return float(said == wanted if world.name == PATHS else set(said) == set(wanted))

    @cached_property
    def _lines(self) -> dict[str, list[str]]:
        """The lines of each task that is wanted, in order of their numbers."""
        lines = {}
        for file, sha256 in FILES.items():
            number, _, name = file[2:].partition("_")
            if number in self.tasks.split(","):
                path = find(self.data, f"{file}_test.txt", sha256 if self.checked else "", SOURCE)
                name = f"{int(number):02} {name.replace('-', ' ')}"
                lines[name] = path.read_text(encoding="utf-8").splitlines()
        return lines

    @cached_property
    def _answers(self) -> dict[str, set[str]]:
        """The words that are answers, or part of one, anywhere in a task."""
        return {
            task: {word for line in lines if "\t" in line for word in WORD.findall(line.split("\t")[1].lower())}
            for task, lines in self._lines.items()
        }

    def _world(self, task: str, lines: list[str]) -> World:
        told = list(islice(_stories(task, lines, self.ask), self.stories))
        steps: list[Step] = []
        for turn in zip_longest(*(story.turns for story in told)):  # the next question of every story that has one
            steps.append(Observe([event for part in turn if part for event in part[0]]))
            steps += [part[1] for part in turn if part]
        return World(task, steps)


@dataclass
class _Story:
    """The lines up to each question, and that question."""

    turns: list[tuple[list[Event], Probe]] = field(default_factory=list)


def _stories(task: str, lines: list[str], ask: bool) -> Iterator[_Story]:
    story, ids, fresh = _Story(), dict[str, str](), list[Event]()
    number = 0
    for line in lines:
        if not (match := LINE.fullmatch(line.strip())):
            raise BadConfig(f"not a line of bAbI, which is a number, text and perhaps an answer: {line!r}")
        id, text, answer, support = match.groups()
        if id == "1" and ids:
            yield story
            number += 1
            story, ids, fresh = _Story(), {}, []
        at = START + timedelta(minutes=int(id))
        user = f"story {number}"
        if answer is None:
            fresh.append(Event(text.strip(), at, session=user, scope=Scope(user=user)))
            ids[id] = fresh[-1].id
        else:
            gold = tuple(dict.fromkeys(ids[known] for known in support.split()))
            tags = {"task": task, "supports": str(len(gold))}
            which = {"user": user}
            probe = Probe(text.strip(), gold, (answer,), k=max(DEPTHS), now=at, which=which, ask=ask, tags=tags)
            story.turns.append((fresh, probe))
            fresh = []
    yield story
