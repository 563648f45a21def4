"""Small stories of who went where with what, and questions among them: the bAbI tasks, a word a token.

Source:  "Towards AI-Complete Question Answering: A Set of Prerequisite Toy Tasks", Weston et al. 2015 (arXiv
         1502.05698).
Idea:    what was told has to be put together: where the apple is follows from who took it and where they went since.
Data:    lines of words; at a "?" its answer is asked for, which is never shown. 0 fills up the end. Without `data`
         stories without end, in the manner of tasks 1 to 3; with the folder of bAbI v1.2, en, any of the 20: what is
         taught comes from its train file, the examination from its test file.
Differs: an answer of several words is one token. Stories made here have one verb for each act and ask of every second
         line on.

    1  where is a person?     2  where is a thing?     3  where was a thing before it was there?
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice, pairwise
from random import Random

import torch
from torch.nn.utils.rnn import pad_sequence

from remanence.bench.data import find
from remanence.bench.lessons.base import UNASKED, Base, Examples
from remanence.bench.tasks.babi import FILES, LINE, SOURCE
from remanence.errors import BadConfig

PEOPLE = ("daniel", "john", "mary", "sandra")
PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
THINGS = ("apple", "football", "milk")
OTHERS = (".", "?", "before", "dropped", "is", "the", "to", "took", "was", "went", "where")
MADE = 3  # so many tasks are made here
WORD = re.compile(r"[a-z']+|[.,?]")

Line = tuple[str, str]  # what is said, and the answer, "" where nothing is asked
Story = Sequence[Line]


@dataclass
class BAbI(Base):
    task: int = 1
    questions: int = 5  # in a story made here
    data: str = ""  # folder of the downloaded files
    checked: bool = True  # False takes any test file of the name, and then it is not this benchmark

    def __post_init__(self) -> None:
        last = len(FILES) if self.data else MADE
        if not 1 <= self.task <= last:
            raise BadConfig(f"task must be from 1 to {last}, with data up to {len(FILES)}, got {self.task}")
        if self.questions < 1:
            raise BadConfig(f"questions must be at least 1, got {self.questions}")

    @property
    def vocab_size(self) -> int:
        return 1 + len(self._words)

    @property
    def chance(self) -> float:
        return 1 / len(self._answers)

    def examples(self, n: int, generator: torch.Generator) -> Examples:
        dice = Random(int(torch.randint(2**62, (), generator=generator)))
        if self.data:
            return self._said(dice.choices(self._files["train"], k=n))
        return self._said([list(told(self.task, self.questions, dice)) for _ in range(n)])

    def exam(self, n: int, generator: torch.Generator) -> Examples:
        if self.data:
            return self._said(list(islice(cycle(self._files["test"]), n)))  # each as often as the others
        return self.examples(n, generator)

    @cached_property
    def _words(self) -> dict[str, int]:
        if not self.data:
            return {word: i for i, word in enumerate(sorted({*PEOPLE, *PLACES, *THINGS, *OTHERS}), 1)}
        words = {word for said, _ in self._lines for word in WORD.findall(said)}
        return {word: i for i, word in enumerate(sorted(words | self._answers), 1)}

    @cached_property
    def _answers(self) -> set[str]:
        if not self.data:
            return set(PLACES)
        return {answer for _, answer in self._lines if answer}

    @property
    def _lines(self) -> Iterator[Line]:
        return (line for part in self._files.values() for story in part for line in story)

    @cached_property
    def _files(self) -> dict[str, list[Story]]:
        """The stories of both files of the task."""
        (file,) = [name for name in FILES if name.startswith(f"qa{self.task}_")]
        checks = {"train": "", "test": FILES[file] if self.checked else ""}
        paths = {part: find(self.data, f"{file}_{part}.txt", check, SOURCE) for part, check in checks.items()}
        return {part: list(stories(path.read_text(encoding="utf-8"))) for part, path in paths.items()}

    def _said(self, told: Sequence[Story]) -> Examples:
        ids, labels = [], []
        for story in told:
            words = [(WORD.findall(said), answer) for said, answer in story]
            ids.append(torch.tensor([self._words[word] for line, _ in words for word in line]))
            asked = [[UNASKED] * (len(line) - 1) + [self._words[a] if a else UNASKED] for line, a in words]
            labels.append(torch.tensor([label for line in asked for label in line]))
        return Examples(pad_sequence(ids, batch_first=True), pad_sequence(labels, True, UNASKED))


def stories(text: str) -> Iterator[Story]:
    """Those of a file of bAbI."""
    story: list[Line] = []
    for line in text.lower().splitlines():
        if not (match := LINE.fullmatch(line.strip())):
            raise BadConfig(f"not a line of bAbI, which is a number, text and perhaps an answer: {line!r}")
        number, said, answer, _ = match.groups()
        if number == "1" and story:
            yield story
            story = []
        story.append((said, answer or ""))
    yield story


def told(task: int, questions: int, dice: Random) -> Iterator[Line]:
    """A story made up: who can goes, takes or drops; after every second line a question, if there is one to ask."""
    been: dict[str, list[str]] = {}  # where each person and thing was, the last place last
    holder: dict[str, str] = {}  # by thing
    line = 0
    while questions:
        line += 1
        who = dice.choice(PEOPLE)
        here = been.get(who, [""])[-1]
        mine = [thing for thing in THINGS if holder.get(thing) == who]
        near = [x for x in THINGS if here and x not in holder and been.get(x, [here])[-1] == here] if task > 1 else []
        act = dice.choice(["went", *["took"] * bool(near), *["dropped"] * bool(mine)])
        if act == "went":
            place = dice.choice([place for place in PLACES if place != here])
            for moved in (who, *mine):
                been.setdefault(moved, []).append(place)
            yield f"{who} went to the {place} .", ""
        else:
            thing = dice.choice(near if act == "took" else mine)
            been.setdefault(thing, [here])
            holder = {x: by for x, by in holder.items() if x != thing} | ({thing: who} if act == "took" else {})
            yield f"{who} {act} the {thing} .", ""
        if line % 2 == 0 and (asked := askable(task, been)):
            questions -= 1
            yield dice.choice(asked)


def askable(task: int, been: dict[str, list[str]]) -> list[Line]:
    """The questions that what was told answers."""
    if task == 1:
        return [(f"where is {who} ?", been[who][-1]) for who in PEOPLE if who in been]
    things = [thing for thing in THINGS if thing in been]
    if task == 2:
        return [(f"where is the {thing} ?", been[thing][-1]) for thing in things]
    last = {(thing, place): before for thing in things for before, place in pairwise(been[thing])}
    return [(f"where was the {thing} before the {place} ?", before) for (thing, place), before in last.items()]
