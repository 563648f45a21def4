"""What was said once comes back beside an event that was talked about at length."""

import pytest

import remanence
from remanence.errors import BadConfig
from remanence.lm.base import Fact
from remanence.lm.scripted import Scripted

RULE = "Please reply in French from now on."
CHATTER = [f"The report reply came at {hour} and the report was in a reply in the mail." for hour in range(1, 13)]
QUESTION = "In what should the report reply be?"


def said(*texts: str, method: str = "engram", embed: str = "hashing", **settings: object) -> remanence.Memory:
    memory = remanence.open(method=method, embed=embed, **settings)
    for minute, text in enumerate(texts):
        memory.add(text, at=f"2024-04-02T09:{minute:02}", speaker="Ana", session="s")
    return memory


def kinds(text: str, **settings: object) -> list[tuple[str, str]]:
    with said(text, **settings) as memory:
        return [(record.kind, record.text) for record in memory.records()]


def test_a_turn_goes_to_each_kind_that_it_is_of():
    text = "Tom came by yesterday. I live in Porto. Please don't call before nine."
    assert kinds(text) == [
        ("episodic", text),
        ("procedural", "Please don't call before nine."),
        ("semantic", "Ana lives in Porto."),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("We went hiking with Tom.", "episodic"),
        ("Do we need to rinse the rice?", "episodic"),
        ("Never mind the rain.", "episodic"),
        ("Their bus was number 5. We went by tram.", "episodic"),
        ("I live in Porto.", "semantic"),
        ("Always rinse the rice.", "procedural"),
        ("To open the file you need to hold the key down.", "procedural"),
    ],
)
def test_what_one_kind_holds_whole_is_kept_once(text, kind):
    assert [one for one, _ in kinds(text)] == [kind]


def test_the_steps_of_a_list_stay_together():
    text = "It goes like this.\n1. Build the image.\n2. Wait.\n3. Push it.\nSo said Tom."
    assert kinds(text) == [("episodic", text), ("procedural", "1. Build the image.\n2. Wait.\n3. Push it.")]


def test_a_record_cites_what_it_was_made_from():
    with said("Tom came by. I live in Porto. Always ring twice.") as memory:
        (event,) = memory.events()
        cited = {r.kind: event.text[r.sources[0].start : r.sources[0].end] for r in memory.records()}
        assert {record.valid_from for record in memory.records()} == {event.at}
    assert cited == {"episodic": event.text, "semantic": "I live in Porto.", "procedural": "Always ring twice."}


def test_an_instruction_is_found_among_more_turns_that_are_nearer():
    with said(RULE, *CHATTER) as typed, said(RULE, *CHATTER, method="dense") as plain:
        hits = typed.search(QUESTION, k=10)
        assert [hit.text for hit in hits if "procedural" in hit.why] == [RULE]
        assert len(hits) == 10, "what no kind claims is given to the nearest left over"
        assert hits[-1].score < hits[-2].score or hits[-1].text != RULE
        assert RULE not in [hit.text for hit in plain.search(QUESTION, k=10)]


def test_without_its_share_one_kind_takes_every_place():
    with said(RULE, *CHATTER, share=1.0) as memory:
        assert RULE not in [hit.text for hit in memory.search(QUESTION, k=10)]


def test_a_fact_is_found_where_the_turn_that_says_much_is_not():
    long = "I live in Porto and then we spoke of ferries, of olives, of the violin and of who won the match on Sunday."
    other = ["The people of Porto live by the river.", "Porto wine is what we drank."]
    lm = Scripted({"facts": lambda text, speaker, at: [PORTO] if text == long else []})
    with (
        said(long, *other, lm=lm, embed="static") as typed,
        said(long, *other, method="dense", embed="static") as plain,
    ):
        best = typed.search("Does she live in Porto?", k=1)[0]
        assert (best.text, set(best.why)) == ("Ana lives in Porto.", {"semantic"})
        assert plain.search("Does she live in Porto?", k=1)[0].text != long


PORTO = Fact("Ana lives in Porto.", 0, 15, "Ana", "lives_in", "Porto")


def test_a_turn_comes_back_once_as_the_best_of_its_records():
    text = "Tom came by yesterday and stayed. I live in Porto. Please don't call before nine."
    asked = {"Who lives in Porto?": "semantic", "When may I call?": "procedural", text: "episodic"}
    with said(text, "We drank wine.", embed="static") as memory:
        for question, kind in asked.items():
            hits = [hit for hit in memory.search(question, k=5) if "wine" not in hit.text]
            assert [list(hit.why) for hit in hits] == [[kind]]


def test_many_facts_of_one_turn_leave_room_for_another():
    many = " ".join(f"Rex has a ferry number {i}." for i in range(3))
    lm = Scripted({"facts": lambda text, speaker, at: FERRIES if text == many else [PORTO]})
    with said(many, "I live in Porto", lm=lm) as memory:
        hits = memory.search("Which ferry has Rex?", k=2, kinds="semantic")
        assert len({hit.sources[0].event for hit in hits}) == len(hits) == 2


FERRIES = [Fact(f"Rex has a ferry number {i}.", 25 * i, 25 * i + 24, "Rex", "has", f"ferry {i}") for i in range(3)]


def test_the_name_of_who_speaks_does_not_pull_the_question():
    with said("Ana, Ana, Ana!", "The violin is broken.") as memory:
        assert memory.search("What is it that Ana, our Ana, has broken?", k=1)[0].text == "The violin is broken."


def test_a_kind_asked_for_is_the_only_one():
    with said(RULE, *CHATTER) as memory:
        assert [hit.text for hit in memory.search(QUESTION, k=10, kinds="procedural")] == [RULE]
        assert memory.search(QUESTION, kinds="semantic") == []


@pytest.mark.parametrize("wrong", [{"share": 0}, {"share": 1.5}, {"ahead": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(BadConfig, match=r"must be"):
        remanence.open(method="engram", **wrong)
