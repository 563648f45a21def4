"""First in, first out: the newest stay, in each scope, and forgetting by use would have kept another."""

import pytest

import remanence
from remanence.errors import BadConfig
from remanence.registry import build


@pytest.fixture
def memory():
    with remanence.open(method="fifo", embed="hashing", budget=2) as opened:
        for day, user in ((1, "u"), (2, "u"), (3, "v"), (4, "u"), (5, "v")):
            opened.add(f"heron on day {day}", at=f"2024-01-0{day}", user=user)
        yield opened


def found(memory: remanence.Memory) -> list[str]:
    return sorted(hit.text for hit in memory.search("heron", k=9))


def test_the_newest_of_each_scope_stay(memory):
    ops = memory.forget(now="2024-02-01")
    assert [op.kind for op in ops] == ["expire"]
    assert found(memory) == [f"heron on day {day}" for day in (2, 3, 4, 5)]
    assert memory.forget(now="2024-02-01") == []


def test_being_recalled_does_not_help(memory):
    """Where memory_bank would keep what was asked for."""
    memory.search("heron on day 1", k=1)
    memory.forget(now="2024-02-01")
    assert "heron on day 1" not in found(memory)


def test_what_is_still_to_come_is_not_counted(memory):
    assert memory.forget(now="2024-01-03") == []


def test_a_budget_below_one_is_refused():
    with pytest.raises(BadConfig, match="budget must be at least 1, got 0"):
        build("text", "fifo", budget=0)
