"""The first thing anybody runs: the demo's questions find what they should, and it prints what it promises."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import remanence

EXAMPLES = Path(__file__).parent.parent / "examples"
QUESTIONS = json.loads((EXAMPLES / "questions.json").read_text())


@pytest.fixture(scope="module")
def memory():
    with remanence.open() as opened:
        opened.import_(EXAMPLES / "chats.jsonl")
        yield opened


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: asked["kind"])
def test_every_question_of_the_demo_finds_its_answer(memory, asked):
    seen = memory.as_of(asked["as_of"]) if "as_of" in asked else memory
    found = " ".join(hit.text for hit in seen.search(asked["question"], k=3, now=asked["now"]))
    assert all(part in found for part in asked["expect"])


def test_the_questions_cover_a_change_and_an_earlier_date():
    assert len(QUESTIONS) >= 5
    assert {"changed", "as_of"} <= {asked["kind"] for asked in QUESTIONS}


def test_the_answer_as_of_an_earlier_date_is_another(memory):
    question = "Which city does Alexandra live in?"
    assert memory.search(question, k=3)[0].text != memory.as_of("2025-09-20").search(question, k=3)[0].text


def test_the_demo_prints_date_score_why_and_source():
    out = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py")], capture_output=True, text=True, check=True, timeout=120
    )
    assert not out.stderr
    for asked in QUESTIONS:
        assert asked["question"] in out.stdout
    for part in ("messages imported", "2025", "score ", "session +", "source: event "):
        assert part in out.stdout
