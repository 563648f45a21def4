"""The arithmetic of the bench, on rankings and samples small enough to work out by hand."""

import math
from pathlib import Path

import pytest

from remanence.bench.average import average
from remanence.bench.base import Found
from remanence.bench.clock import Clock, quantile
from remanence.bench.data import find
from remanence.bench.metrics import all_found, first_saying, ndcg, overlap, recall, reciprocal_rank, says
from remanence.bench.progress import Bar
from remanence.bench.table import aligned
from remanence.errors import BadConfig

RANKED = ["x", "a", "y", "b", "z"]


def test_recall_counts_gold_among_the_first_k():
    assert [recall(RANKED, {"a", "b"}, k) for k in (1, 2, 3, 4, 5)] == [0, 0.5, 0.5, 1, 1]
    assert recall(RANKED, {"a", "b", "nowhere"}, 5) == pytest.approx(2 / 3)
    assert recall(RANKED, ["a", "a"], 2) == 1, "gold said twice is wanted once"


def test_all_found_is_not_any_found():
    assert [all_found(RANKED, {"a", "b"}, k) for k in (2, 3, 4)] == [0, 0, 1]


def test_reciprocal_rank_is_of_the_first_gold():
    assert reciprocal_rank(RANKED, {"b", "a"}) == 1 / 2
    assert reciprocal_rank(RANKED, {"b"}) == 1 / 4
    assert reciprocal_rank(RANKED, {"nowhere"}) == 0


def test_ndcg_by_hand():
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(["a", "x", "b"], {"a", "b", "c"}, 3) == pytest.approx((1 + 1 / 2) / ideal)
    assert ndcg(["a", "b", "c"], {"a", "b", "c"}, 3) == 1
    assert ndcg(["a", "b"], {"a", "b", "c"}, 2) == 1, "more gold than places is not held against it"
    assert ndcg(["x", "a"], {"a"}, 1) == 0


def test_an_answer_is_found_as_whole_words_in_any_case():
    texts = ["She lives in Lisbonne.", "He moved, to Porto!", "in LISBON since May"]
    assert first_saying(texts, ["Lisbon"]) == 3
    assert first_saying(texts, ["Lisbon", "to porto"]) == 2
    assert first_saying(texts, ["Faro"]) == 0
    assert first_saying([*texts, "..."], ["?"]) == 0, "an answer without a word is in no text"
    assert [says(texts, ["Lisbon"], k) for k in (2, 3)] == [0, 1]


def test_overlap_is_token_f1_with_the_nearest_answer():
    assert overlap("In May, in Rome", ["Rome in March"]) == pytest.approx(2 * 2 / (4 + 3))
    assert overlap("Rome", ["Paris", "Rome!"]) == 1
    assert overlap("Rome", ["Paris"]) == 0
    assert overlap("", [""]) == 0


def test_a_text_that_cites_much_takes_as_many_places():
    found = Found(("summary", "turn", "again"), (("e1", "e2", "e3"), ("e4",), ("e4", "e2", "e5")))
    assert found.ranked == ["e1", "e2", "e3", "e4", "e5"]
    assert recall(found.ranked, {"e4"}, 3) == 0, "the summary's three events come first"
    assert recall(found.ranked, {"e4"}, 4) == 1


def test_mean_and_both_standard_errors_by_hand():
    # Off the mean of 0.6: 0.4, 0.4 in one world and -0.6, -0.6, 0.4 in the other; squares 1.2, world sums ± 0.8.
    got = average([("u", 1), ("u", 1), ("v", 0), ("v", 0), ("v", 1)], ungraded=2)
    assert got.value == pytest.approx(0.6)
    assert got.se == pytest.approx(math.sqrt(1.2 / 4 / 5))
    assert got.se_world == pytest.approx(math.sqrt(2 / 1 * (0.64 + 0.64)) / 5)
    assert (got.count, got.worlds, got.ungraded) == (5, 2, 2)


def test_clustering_changes_nothing_when_each_probe_is_a_world():
    values = [0.0, 0.25, 1.0, 0.5, 0.5, 1.0]
    got = average([(str(i), value) for i, value in enumerate(values)])
    assert got.se_world == pytest.approx(got.se)


def test_the_clustered_error_is_quoted_only_from_five_worlds_on():
    few = average([(str(i % 2), float(i % 2)) for i in range(20)])
    assert few.quoted == few.se != few.se_world
    many = average([(str(i % 5), float(i % 5)) for i in range(20)])
    assert many.quoted == many.se_world != many.se


def test_too_few_to_tell_is_said():
    assert average([]).value is None
    one = average([("u", 1.0)])
    assert (one.value, one.se, one.se_world) == (1.0, None, None)
    assert average([("u", 1.0), ("u", 0.0)]).se_world is None


def test_quantiles_fall_between():
    assert quantile([1, 2, 3, 4], 0.5) == 2.5
    assert quantile([1, 2, 3, 4, 5], 0.95) == pytest.approx(4.8)
    assert quantile([7], 0.95) == 7


def test_a_lap_of_several_things_counts_by_its_cost_for_each():
    clock = Clock([(10, 0.02, 0.04), (1, 0.004, 0.008), (5, 0.015, 0.05)])
    timing = clock.timing()
    assert timing is not None
    assert timing.count == 16
    assert timing.cpu_ms == pytest.approx(3)  # of 2, 4 and 3
    assert timing.wall_ms == pytest.approx(8)  # of 4, 8 and 10
    assert timing.seconds == pytest.approx(0.098)
    assert Clock().timing() is None


def test_a_lap_that_raised_is_not_noted():
    clock = Clock()
    with pytest.raises(ValueError), clock.lap():
        raise ValueError
    assert clock.timing() is None


def test_columns_line_up_and_a_failure_does_not_widen_them():
    lines = aligned([["memory", "n", "s"], ["a", "1,000", "2"], ["longer", "failed: why\nnot"]])
    assert lines == ["memory      n  s", "a       1,000  2", "longer  failed: why not"]


def test_a_bar_is_silent_in_a_pipe(capfd):
    bar = Bar()
    bar("words", 1, 10)
    bar.close()
    assert capfd.readouterr() == ("", "")


def test_a_bar_is_drawn_and_wiped_on_a_terminal():
    class Terminal:
        text = ""

        def isatty(self):
            return True

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    to = Terminal()
    bar = Bar(to)
    bar("words", 5, 10)
    bar("words", 6, 10)  # too soon
    bar("words", 10, 10)
    assert "words [###############...............] 5/10" in to.text
    assert "6/10" not in to.text
    assert "10/10" in to.text
    bar.close()
    assert to.text.endswith("\r\x1b[K")


def test_data_is_the_data_or_an_error(tmp_path: Path):
    with pytest.raises(BadConfig, match=r"no a\.json under .*comes from there; say where it is with data="):
        find(str(tmp_path), "a.json", "0" * 64, "there")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.json").write_text("")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert find(str(tmp_path), "a.json", empty, "there") == tmp_path / "deep" / "a.json"
    assert find(str(tmp_path / "deep" / "a.json"), "a.json", empty, "there").name == "a.json"
    with pytest.raises(BadConfig, match=r"is not the a\.json these numbers are about"):
        find(str(tmp_path), "a.json", "0" * 64, "there")
