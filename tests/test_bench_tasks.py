"""The tasks that read data: on a miniature written for this test, and on the real files where they are."""

import os
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from remanence.bench.base import Advance, Found, Observe, Probe
from remanence.bench.run import run
from remanence.bench.tasks.locomo import LoCoMo, when
from remanence.bench.tasks.scifact import SciFact, sentences
from remanence.bench.text_memory import TextMemory
from remanence.embed.hashing import Hashing
from remanence.errors import BadConfig
from remanence.records import utc

MINIATURE = str(Path(__file__).parent / "data" / "bench")


def real_data(name: str) -> str:
    """The folder of downloaded data, or a skip that says what is missing."""
    folder = Path(os.environ.get("REMANENCE_DATA") or Path("..") / "shared" / "data")
    if not any(folder.rglob(name)):
        pytest.skip(f"no {name} under {folder}; set REMANENCE_DATA to the folder of the data")
    return str(folder)


def small(**settings) -> LoCoMo:
    return LoCoMo(MINIATURE, sha256="", **settings)


def test_session_times_are_read():
    assert when("1:56 pm on 8 May, 2023") == utc("2023-05-08T13:56:00")
    assert when("12:05 am on 29 February, 2024") == utc("2024-02-29T00:05:00")
    with pytest.raises(BadConfig, match="no time we can read"):
        when("8 May")


def test_a_turn_is_an_event_of_its_session_speaker_and_second():
    (world,) = small().worlds(0)
    first, second = (step.events for step in world.steps if isinstance(step, Observe))
    assert [(e.speaker, e.session, e.at) for e in first] == [
        ("Ana", "session 1", utc("2023-05-08T13:56:00")),
        ("Ben", "session 1", utc("2023-05-08T13:56:01")),
    ]
    assert first[1].text == "Look at this! [shares a photo: a photo of a violin]"
    assert second[0].at == utc("2023-06-09T00:05:00")
    assert next(small(captions=False).worlds(0)).steps[0].events[1].text == "Look at this!"


def test_the_memory_may_consolidate_before_the_first_question():
    (world,) = small().worlds(0)
    assert [type(step) for step in world.steps] == [Observe, Observe, Advance, Probe, Probe, Probe]
    assert world.steps[2].now == utc("2023-06-09T00:05:00")
    assert all(probe.now == world.steps[2].now for probe in world.steps[3:])
    assert Advance not in [type(step) for step in next(small(consolidate=False).worlds(0)).steps]


def test_evidence_is_mapped_to_events_however_it_is_written():
    (world,) = small().worlds(0)
    d1_1, d1_2 = (event.id for event in world.steps[0].events)
    (d2_1,) = (event.id for event in world.steps[1].events)
    plant, became, violin = world.steps[3:]
    assert plant.gold == (d1_1,)
    assert became.gold == (d2_1, d1_1), "two in one string, one of them misspelt"
    assert violin.gold == (d1_2,), "a string without an id is dropped, the rest of the evidence stays"
    assert [probe.answers for probe in (plant, became, violin)] == [("tulips",), ("deer ate them",), ()]
    assert [probe.tags["category"] for probe in (plant, became, violin)] == ["single-hop", "multi-hop", "adversarial"]
    assert [probe.tags["answerable"] for probe in (plant, became, violin)] == ["yes", "yes", "no"]


def test_what_was_left_out_is_said():
    task = small()
    assert task.size() == 3
    (note,) = task.notes()
    assert note.startswith("2 of 5 questions are left out")
    assert note.endswith("Evidence that could not be mapped: D, D9:9.")


def test_turns_and_sessions_are_graded_apart():
    task = small()
    (world,) = task.worlds(0)
    became = world.steps[4]
    ids = list(world.group_of)  # D1:1, D1:2, D2:1
    got = task.grade(world, became, Found(("a", "b", "c"), ((ids[1],), (ids[0],), (ids[2],))))
    assert (got["recall@5"].value, got["mrr"].value, got["all@10"].value) == (1, 1 / 2, 1)
    assert got["session@5"].value == 1
    got = task.grade(world, became, Found(("a",), ((ids[1],),)))
    assert (got["recall@5"].value, got["session@5"].value) == (0, 1 / 2), "the right session, the wrong turn"


def test_the_miniature_end_to_end():
    (row,) = run(small(), [TextMemory("words", Hashing())])
    assert (row.status, row.probes, row.events) == ("done", 3, 3)
    assert row.scores["recall@5"].value == 1
    assert row.groups["half"]["first half"]["recall@5"].count == 3
    assert row.task_settings == {"captions": True, "consolidate": True, "sha256": ""}


def test_another_file_is_not_the_benchmark():
    with pytest.raises(BadConfig, match=r"is not the locomo10\.json these numbers are about"):
        next(LoCoMo(MINIATURE).worlds(0))


def test_a_numpy_array_of_sentences_is_read():
    assert sentences("""['One.'\n "It's two, 'quoted'."\n 'It\\'s three.']""") == [
        "One.",
        "It's two, 'quoted'.",
        "It's three.",
    ]
    assert sentences("[]") == []


def test_locomo_counts_what_it_is_known_to_hold():
    task = LoCoMo(real_data("locomo10.json"))
    worlds = list(task.worlds(0))
    events = [event for w in worlds for step in w.steps if isinstance(step, Observe) for event in step.events]
    probes = [step for w in worlds for step in w.steps if isinstance(step, Probe)]
    assert (len(worlds), len(events), len({event.id for event in events})) == (10, 5882, 5882)
    assert len({(w.name, session) for w in worlds for session in w.group_of.values()}) == 272
    assert len(probes) == task.size() == 1982
    categories = Counter(probe.tags["category"] for probe in probes)
    assert categories == {"multi-hop": 282, "temporal": 321, "open-domain": 92, "single-hop": 841, "adversarial": 446}
    assert Counter(probe.tags["half"] for probe in probes)["first half"] == 997
    assert task.notes() == [
        "4 of 1986 questions are left out: none of their evidence is a turn. "
        "Evidence that could not be mapped: D10:19, D, D4:36."
    ]
    assert sum("[shares a photo: " in event.text for event in events) == 1226
    for world in worlds:
        times = [event.at for step in world.steps if isinstance(step, Observe) for event in step.events]
        assert times == sorted(times)
        assert times[-1] - times[0] > timedelta(days=30)


def test_words_find_on_locomo_what_bm25_is_known_to_find():
    (row,) = run(LoCoMo(real_data("locomo10.json")), [TextMemory("words", Hashing())], limit=400)
    assert 0.55 < row.scores["recall@10"].value < 0.66
    assert row.scores["session@10"].value > 0.8


def test_scifact_counts_what_it_is_known_to_hold():
    task = SciFact(real_data("claims_validation.csv"))
    (world,) = task.worlds(0)
    events = [event for step in world.steps if isinstance(step, Observe) for event in step.events]
    probes = [step for step in world.steps if isinstance(step, Probe)]
    assert (len(events), len({event.id for event in events}), len(probes)) == (5183, 5183, 300)
    assert sum(len(probe.gold) for probe in probes) == 339
    assert max(len(event.text) for event in events) > 2000, "some are kept as several turns and count once"
