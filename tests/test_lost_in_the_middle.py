"""Lost in the middle: on a miniature written for this test, and on the real files where they are."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from remanence.bench.base import Found, Observe, Probe
from remanence.bench.run import run
from remanence.bench.tasks.lost_in_the_middle import FILES, POSITIONS, LostInTheMiddle, position
from remanence.bench.text_memory import TextMemory
from remanence.embed.hashing import Hashing
from remanence.errors import BadConfig

KEYS = ("aa-1", "bb-2", "cc-3", "dd-4", "ee-5")
PASSAGES = (
    ("who painted the ceiling", ["Michelangelo"], "Ceiling", "The ceiling was painted by Michelangelo."),
    ("what is the capital of peru", ["Lima"], "Peru", "The capital of Peru is Lima."),
    ("when did the ship sink", ["1912", "April 1912"], "Ship", "The ship sank in April 1912."),
    ("which city governs peru", ["Lima"], "Peru", "The capital of Peru is Lima."),
)


def real_data() -> str:
    folder = Path(os.environ.get("REMANENCE_DATA") or Path("..") / "shared" / "data")
    if not any(folder.rglob(FILES["documents"][0])):
        pytest.skip(f"no files of lost-in-the-middle under {folder}; set REMANENCE_DATA to the folder of the data")
    return str(folder)


def small(folder: Path, **settings) -> LostInTheMiddle:
    pairs = [{"ordered_kv_records": [[k, f"{k}-v"] for k in KEYS], "key": k, "value": f"{k}-v"} for k in KEYS]
    passages = [
        {"question": question, "answers": answers, "ctxs": [{"title": title, "text": text}]}
        for question, answers, title, text in PASSAGES
    ]
    for name, rows in (("kv75", pairs), ("kv140", pairs[:1]), ("documents", passages)):
        with gzip.open(folder / FILES[name][0], "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    return LostInTheMiddle(str(folder), **{"checked": False} | settings)


def steps(world):
    told = [event for step in world.steps if isinstance(step, Observe) for event in step.events]
    return told, [step for step in world.steps if isinstance(step, Probe)]


def test_the_gold_pair_takes_each_position_in_turn(tmp_path):
    places = []
    for world, key in zip(small(tmp_path, sets="kv75").worlds(0), KEYS, strict=True):
        told, (probe,) = steps(world)
        assert sorted(event.text for event in told) == [f'"{k}": "{k}-v"' for k in KEYS], "none lost, none twice"
        assert (probe.question, probe.answers) == (f'What is the value of "{key}"?', (f"{key}-v",))
        places.append([event.id for event in told].index(probe.gold[0]))
        assert told[places[-1]].text == f'"{key}": "{key}-v"'
        assert probe.tags == {"set": "kv75", "position": POSITIONS[places[-1]]}
    assert places == [0, 1, 2, 3, 4]


def test_passages_are_told_once_and_asked_for_by_each_of_their_questions(tmp_path):
    (world,) = small(tmp_path, sets="documents").worlds(0)
    told, probes = steps(world)
    assert [event.text for event in told] == [f"{title}\n{text}" for _, _, title, text in PASSAGES[:3]]
    assert [probe.gold for probe in probes] == [(told[i].id,) for i in (0, 1, 2, 1)]
    assert [probe.tags["position"] for probe in probes] == ["1 first", "3 middle", "5 last", "3 middle"]
    assert probes[2].answers == ("1912", "April 1912")
    half = steps(next(small(tmp_path, sets="documents", questions=2).worlds(0)))[1]
    assert [probe.question for probe in half] == [PASSAGES[0][0], PASSAGES[2][0]], "evenly spread"


def test_the_nearest_position():
    assert [position(place, 9)[0] for place in range(9)] == ["1", "2", "2", "3", "3", "4", "4", "5", "5"]
    assert [position(place, 100)[0] for place in (0, 12, 13, 37, 38, 61, 62, 86, 87, 99)] == list("1122334455")
    assert position(0, 1) == "1 first"


def test_pairs_are_graded_by_the_event_and_by_the_whole_value(tmp_path):
    task = small(tmp_path, sets="kv75")
    world = next(task.worlds(0))
    _, (probe,) = steps(world)
    gold = probe.gold[0]
    got = task.grade(world, probe, Found(('"aa-1": "aa-1-v"', "x"), ((gold,), ("x",))))
    assert {name: score.value for name, score in got.items()} == {"recall@1": 1, "recall@5": 1, "value@1": 1}
    got = task.grade(world, probe, Found(("aa-1", '"aa-1": "aa-1-v"'), (("x",), (gold,))))
    assert {name: score.value for name, score in got.items()} == {"recall@1": 0, "recall@5": 1, "value@1": 0}


def test_documents_are_graded_by_the_passage_and_by_any_answer(tmp_path):
    task = small(tmp_path, sets="documents")
    world = next(task.worlds(0))
    _, probes = steps(world)
    other = Found(("It went down in 1912.",), (("x",),))
    got = task.grade(world, probes[2], other)
    assert {name: score.value for name, score in got.items()} == {"recall@1": 0, "recall@5": 0, "answer@5": 1}


def test_the_miniature_end_to_end(tmp_path):
    (row,) = run(small(tmp_path), [TextMemory("words", Hashing())])
    assert (row.status, row.worlds, row.probes, row.events) == ("done", 7, 10, 33)
    assert row.scores["value@1"].value == 1
    assert row.groups["set"]["documents"]["recall@5"].value == 1
    assert set(row.groups["position"]) <= set(POSITIONS)


def test_wrong_settings_and_files_are_said(tmp_path):
    with pytest.raises(BadConfig, match="sets are kv75, kv140, documents with commas between, got 'kv'"):
        LostInTheMiddle(sets="kv75,kv")
    with pytest.raises(BadConfig, match="at least 1, got 50 and 0"):
        LostInTheMiddle(questions=0)
    with pytest.raises(BadConfig, match="these numbers are about"):
        next(small(tmp_path, checked=True).worlds(0))


def test_lost_in_the_middle_counts_what_it_is_known_to_hold():
    worlds = list(LostInTheMiddle(real_data(), samples=500, questions=2655).worlds(0))
    assert Counter(world.name.split()[0] for world in worlds) == {"kv75": 500, "kv140": 500, "documents": 1}
    for world, size in ((worlds[0], 75), (worlds[499], 75), (worlds[500], 140), (worlds[999], 140)):
        assert len({event.id for event in steps(world)[0]}) == size
    told, probes = steps(worlds[-1])
    assert (len(told), len(probes)) == (2600, 2655)
    rows = [worlds[0].steps[-1], worlds[500].steps[-1], probes[0], probes[-1]]
    assert [(row.question, row.answers) for row in rows] == [
        (
            'What is the value of "2a8d601d-1d69-4e64-9f90-8ad825a74195"?',
            ("bb3ba2a5-7de8-434b-a86e-a88bb9fa7289",),
        ),
        (
            'What is the value of "1afcec1f-1acd-42e3-b833-e7882d5daada"?',
            ("25f1a78d-a2f6-4c7d-8bd6-51226b263cbe",),
        ),
        ("who got the first nobel prize in physics", ("Wilhelm Conrad Röntgen",)),
        ("when did computer become widespread in homes and schools", ("1980s",)),
    ]
    places = Counter(world.steps[-1].tags["position"] for world in worlds[:500])
    assert places == dict.fromkeys(POSITIONS, 100)
