"""MemTree puts each turn where the paper's rule puts it, and finds what several turns say together."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

import remanence
from remanence.embed.hashing import Hashing
from remanence.errors import BadReply
from remanence.lm.scripted import Scripted
from remanence.local import Local
from remanence.records import Filter
from remanence.text.mem_tree import MemTree

TALK = [
    "violin strings and a bow",
    "violin strings broke",
    "olive oil from a Greek hill",
    "violin strings broke again",
    "Greek olive oil",
    "night train to Berlin",
    "violin bow and strings of a teacher",
    "Greek olive trees on a hill",
    "the train to Berlin at night",
    "olive oil from a Greek hill",
]
Shape = tuple[str, frozenset["Shape"]]  # a text and what stands under it


def aggregate(*, texts: list[str], about: str, previous: str, words: int) -> str:
    return f"{previous} | {texts[0]}"


def opened(texts: list[str] = TALK, method: str = "mem_tree", **settings: object) -> Local:
    memory = remanence.open(method=method, embed="hashing", lm=Scripted({"summary": aggregate}), **settings)
    for i, text in enumerate(texts):
        memory.add(text, at=f"2024-01-01T{i:02}:00:00", speaker="Ana")
    return memory


def shapes(memory: Local) -> frozenset[Shape]:
    """What stands under the root, from the links that hold in the store."""
    records = list(memory.store.records(Filter(kinds=("turn", "node"))))
    rows = memory.store.rows_of([record.id for record in records]).tolist() if records else []
    text = dict(zip(rows, (record.text for record in records), strict=True))
    links = [(a, b) for a, b, _, _ in memory.store.linked(np.array(rows, dtype=np.int64), "child") if b in text]

    def shape(row: int) -> Shape:
        return text[row], frozenset(shape(b) for a, b in links if a == row)

    below = {b for _, b in links}
    return frozenset(shape(row) for row in rows if row not in below)


@dataclass
class Slow:
    """The paper's insertion, written down plainly: one node, its content and its children."""

    text: str = ""
    depth: int = 0
    children: list["Slow"] = field(default_factory=list)

    def insert(self, new: str, theta0: float, rate: float) -> None:
        if self.depth:
            if not self.children:
                self.children.append(Slow(self.text, self.depth + 1))
            self.text = f"{self.text} | {new}"
        near = [float(np.dot(*Hashing().embed([child.text, new]))) for child in self.children]
        if near and max(near) >= theta0 * math.exp(rate * self.depth) and not self._was_leaf():
            self.children[near.index(max(near))].insert(new, theta0, rate)
        else:
            self.children.append(Slow(new, self.depth + 1))

    def _was_leaf(self) -> bool:
        return self.depth > 0 and len(self.children) == 1

    def shape(self) -> Shape:
        return self.text, frozenset(child.shape() for child in self.children)


@pytest.mark.parametrize(("theta0", "rate"), [(0.4, 0.5), (0.4, 0.0), (0.2, 1.0), (0.3, 0.2), (0.99, 0.0)])
def test_turns_stand_where_the_rule_puts_them(theta0, rate):
    root = Slow()
    for text in TALK:
        root.insert(text, theta0, rate)
    with opened(threshold=theta0, rate=rate) as memory:
        assert ("", shapes(memory)) == root.shape()


def test_the_threshold_grows_with_depth():
    method = MemTree(lm=Scripted(), threshold=0.4, rate=0.5)
    assert [method.theta(depth) for depth in range(3)] == pytest.approx([0.4, 0.4 * math.e**0.5, 0.4 * math.e])
    with opened(rate=0.0) as deep, opened(rate=0.5) as flat:
        assert shapes(deep) != shapes(flat)


def test_one_batch_and_many_and_a_reopened_store_give_one_tree(tmp_path):
    with opened() as one, opened([]) as batch:
        batch.add_many(list(one.events()))
        assert shapes(batch) == shapes(one)
        for event in one.events():
            with remanence.open(
                tmp_path / "m.db", method="mem_tree", embed="hashing", lm=Scripted({"summary": aggregate})
            ) as again:
                again.add_many([event])
        with remanence.open(tmp_path / "m.db", method="mem_tree", embed="hashing") as again:
            assert shapes(again) == shapes(one)


def test_a_node_answers_what_no_single_turn_does():
    texts = ["My aunt Rosa repairs clocks.", "My aunt Rosa lives in Porto.", "Clocks are in Porto too."]
    question = "which aunt repairs clocks and lives in Porto"
    with opened(texts) as memory:
        best = memory.search(question, k=1)[0]
        assert best.record.kind == "node"
        cited = {memory.get(source.event).text for source in best.sources}
        assert {texts[0], texts[1]} <= cited
    with opened(texts, "dense") as memory:
        assert not {texts[0], texts[1]} <= {hit.text for hit in memory.search(question, k=1)}


def test_a_node_that_took_something_in_holds_from_then_on():
    with opened() as memory:
        for hour in range(len(TALK)):
            then = memory.as_of(f"2024-01-01T{hour:02}:30:00")
            with opened(TALK[: hour + 1]) as short:
                held = {record.text for record in then.records(kinds="node")}
                assert held == {record.text for record in short.records(kinds="node")}


def test_an_erased_turn_takes_what_was_made_of_it_along_and_the_tree_goes_on():
    with opened() as memory:
        secret = "violin strings broke again"
        gone = next(event for event in memory.events() if event.text == secret)
        memory.erase(between=(gone.at, gone.at.replace(minute=1)))
        assert not any(secret in record.text for record in memory.records())
        before = {record.id for record in memory.records(kinds="turn")}
        memory.add("violin strings broke at last", at="2024-01-02")
        assert {record.id for record in memory.records(kinds="turn")} > before
        tops = [text for text, _ in shapes(memory)]
        assert any("violin strings broke at last" in text and "|" in text for text in tops)


def test_trees_of_two_users_do_not_mix():
    with opened([]) as memory:
        for i, text in enumerate(TALK):
            memory.add(text, user=("ana", "ben")[i % 2])
        for user in ("ana", "ben"):
            said = {event.id for event in memory.events(user=user)}
            for record in memory.records(user=user):
                assert {source.event for source in record.sources} <= said


def test_a_write_that_failed_leaves_no_trace_in_the_tree():
    lm = Scripted({"summary": aggregate})
    with remanence.open(method="mem_tree", embed="hashing", lm=lm) as memory, opened() as whole:
        events = list(whole.events())
        memory.add_many(events[:-3])
        before = shapes(memory)

        def not_the_last(*, texts: list[str], **asked: object) -> str | BadReply:
            return BadReply("no") if texts == [TALK[-1]] else aggregate(texts=texts, **asked)

        lm.replies = {"summary": not_the_last}
        with pytest.raises(BadReply):
            memory.add_many(events)
        assert shapes(memory) == before
        lm.replies = {"summary": aggregate}
        memory.derive()
        assert shapes(memory) == shapes(whole)
