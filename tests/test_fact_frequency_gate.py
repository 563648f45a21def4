"""The gate looks up what is rare and leaves to the model what is common."""

import pytest

import remanence
from remanence.errors import BadConfig
from remanence.lm.base import Triple
from remanence.lm.rules import Rules
from remanence.lm.scripted import Scripted
from remanence.registry import build
from remanence.text.fact_frequency_gate import frequency_table, load_table, save_table

COMMON, RARE = "Where was Marie Curie born?", "Where was Otto Harmsen born?"
ASKS = {COMMON: [Triple("Marie Curie", "born_in", "")], RARE: [Triple("Otto Harmsen", "born_in", "")]}
TEXTS = ["Marie Curie was born in Warsaw."] * 3 + ["Otto Harmsen was born in Bremen."]


@pytest.fixture
def table(tmp_path):
    save_table(frequency_table(Rules(), TEXTS), tmp_path / "table.jsonl")
    return tmp_path / "table.jsonl"


def found(question: str, **settings: object) -> list[str]:
    lm = Scripted({"triples": lambda text, speaker: ASKS.get(text, [])})
    with remanence.open(method="fact_frequency_gate", embed="hashing", lm=lm, **settings) as memory:
        for text in dict.fromkeys(TEXTS):
            memory.add(text)
        return [hit.text for hit in memory.search(question, k=1)]


def test_the_rare_fact_is_looked_up_and_the_common_one_is_not(table):
    assert found(RARE, table=str(table), threshold=2) == [TEXTS[-1]]
    assert found(COMMON, table=str(table), threshold=2) == []


def test_the_plain_method_always_looks(table):
    assert found(COMMON) == [TEXTS[0]]
    assert found(COMMON, table=str(table), threshold=4) == [TEXTS[0]]


def test_a_question_whose_pair_cannot_be_seen_is_looked_up(table):
    assert found("And then?", table=str(table), threshold=1) != []


def test_counts_are_of_subject_and_relation_together(tmp_path):
    counts = frequency_table(Rules(), [*TEXTS, "Marie Curie lives in Paris."])
    assert counts["marie curie", "born_in"] == 3
    assert counts["marie curie", "lives_in"] == 1
    save_table(counts, tmp_path / "t")
    assert load_table(tmp_path / "t") == counts


def test_a_table_that_is_absent_or_broken_is_refused(tmp_path):
    with pytest.raises(BadConfig, match="no frequency table at"):
        build("text", "fact_frequency_gate", {"lm": Rules()}, table=str(tmp_path / "none"))
    (tmp_path / "bad").write_text('["a", "b", 1]\n["a", 2]\n')
    with pytest.raises(BadConfig, match="line 2: expected"):
        build("text", "fact_frequency_gate", {"lm": Rules()}, table=str(tmp_path / "bad"))
