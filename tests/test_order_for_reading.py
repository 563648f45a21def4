"""The order of a prompt: the two best at its ends, the worst in the middle."""

import pytest

import remanence
from remanence.records import Hit, Record, utc
from remanence.registry import build

TALK = ["heron heron heron", "heron heron mud", "heron mud reed", "mud reed fog", "reed fog sky"]


def place(order: list[str], text: str) -> int:
    return min(order.index(text), len(order) - 1 - order.index(text))


def shown(method: str) -> tuple[list[str], list[str]]:
    """The hits best first, and as the prompt shows them."""
    with remanence.open(method=method, embed="hashing") as memory:
        for i, text in enumerate(TALK):
            memory.add(text, at=f"2024-01-0{i + 1}", session=str(i))
        ranked = [hit.text for hit in memory.search("heron mud", k=5)]
        return ranked, [hit.text for hit in memory.context("heron mud", tokens=400).hits]


def test_the_better_a_memory_the_nearer_to_an_end():
    ranked, order = shown("order_for_reading")
    assert sorted(order) == sorted(ranked)
    assert [place(order, text) for text in ranked] == [0, 0, 1, 1, 2]
    assert order[0] == ranked[0]


def test_in_order_of_time_the_best_may_stand_in_the_middle():
    """What `context` does for every other method."""
    _, order = shown("hybrid")
    assert order == TALK


@pytest.mark.parametrize(
    ("n", "order"), [(0, []), (1, [1]), (2, [1, 2]), (5, [1, 3, 5, 4, 2]), (6, [1, 3, 5, 6, 4, 2])]
)
def test_the_paper_s_order(n, order):
    hits = [Hit(Record("turn", str(i), utc("2024-01-01")), -float(i)) for i in range(1, n + 1)]
    method = build("text", "order_for_reading", {"lm": build("lm", "rules")})
    assert [int(hit.text) for hit in method.arrange(hits)] == order
