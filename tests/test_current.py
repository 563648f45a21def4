"""What holds now, or held at a date, comes before what was said first; where words and likeness alone are wrong."""

import pytest

import remanence
from remanence.lm.base import Fact
from remanence.lm.scripted import Scripted
from remanence.local import Local

PORTO, LEEDS, BACK = "I live in Porto.", "I live in Leeds.", "I moved back to Porto."
LEFT = "I no longer live in Leeds."
TRAM = "Since I live in Porto, I take tram 22 to work."
MARATHON = "I ran my first marathon in Porto."
STILL = "Still in the same flat by the river."
CHAT = ("It rained all morning.", "The printer is broken again.", "I baked bread on Sunday.")
SAID = {
    PORTO: ("Ana", "lives_in", "Porto"),
    LEEDS: ("Ana", "lives_in", "Leeds"),
    BACK: ("Ana", "lives_in", "Porto"),
    LEFT: ("Ana", "not_lives_in", "Leeds"),
    STILL: ("Ana", "lives_in", "Leeds"),
}
HOME = "Where does Ana live?"


def facts(text: str, speaker: str, at: object) -> list[Fact]:
    return [Fact(text, 0, len(text), *SAID.get(text, ()))]


def opened(path, method: str = "hybrid", **settings) -> Local:
    path.mkdir(exist_ok=True)
    memory = remanence.open(path / "m.db", method=method, embed="hashing", **settings)
    memory.method.reader = Scripted({"facts": facts})
    return memory


def tell(memory: Local, *told: tuple[str, str]) -> None:
    """Each in a session of its own, in which Ben says something too."""
    for i, (at, text) in enumerate(told):
        memory.add(text, at=f"{at}T10:00", speaker="Ana", session=at)
        memory.add(CHAT[i % len(CHAT)], at=f"{at}T10:01", speaker="Ben", session=at)


def first(memory: Local, question: str = HOME, **which) -> str:
    """The first of Ana's turns among those found that says where she lives."""
    texts = [hit.text for hit in memory.search(question, now=which.pop("now", "2025-01-01"), **which)]
    return next(text for text in texts if SAID.get(text, ("", ""))[1].endswith("lives_in"))


STORY = (("2022-01-10", PORTO), ("2023-02-01", LEEDS), ("2024-03-03", BACK))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)])
def test_moved_and_moved_back(order, tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, *(STORY[i] for i in order))
        assert first(memory) == BACK
        assert first(memory, as_of="2023-06-01") == LEEDS
        assert first(memory, as_of="2022-06-01") == PORTO
        assert first(memory.as_of("2023-06-01")) == LEEDS


def test_told_late_by_processes_that_know_only_the_file(tmp_path):
    """What the second move ended is there when the first home is told: else the two homes in Porto were one."""
    for i in (1, 2, 0):
        with opened(tmp_path) as memory:
            tell(memory, STORY[i])
    with opened(tmp_path) as memory:
        assert first(memory) == BACK
        assert first(memory, as_of="2023-06-01") == LEEDS
        assert first(memory, as_of="2022-06-01") == PORTO


def test_a_time_in_the_question_is_when_it_has_to_hold(tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, *STORY)
        assert first(memory, "Where does Ana live in March 2023?") == LEEDS
        assert first(memory, between=("2022-01-01", "2023-12-01")) == LEEDS


def test_what_was_replaced_is_still_there_behind(tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, *STORY)
        hits = memory.search(HOME, now="2025-01-01")
        assert {PORTO, LEEDS, BACK} <= {hit.text for hit in hits}
        assert hits[0].why["replaces"] > 0
        assert {hit.record.kind for hit in hits} == {"turn"}
        assert len(memory.search(HOME, k=2)) == 2


def test_a_denial_comes_before_what_it_denies_until_there_is_a_value_again(tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, STORY[0], STORY[1], ("2023-09-01", LEFT))
        assert first(memory) == LEFT
        tell(memory, STORY[2])
        assert first(memory) == BACK
        assert first(memory, as_of="2023-10-01") == LEFT


def test_said_in_other_words_it_is_replaced_too(tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, STORY[1], ("2023-05-05", STILL), STORY[2])
        texts = [hit.text for hit in memory.search("Who is still in the same flat by the river?", now="2025-01-01")]
        assert texts.index(BACK) < texts.index(STILL)


def test_what_hung_on_it_stands_behind_the_change_and_what_did_not_is_let_alone(tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, STORY[0], ("2022-02-02", TRAM), ("2022-03-03", MARATHON), STORY[1])
        texts = [hit.text for hit in memory.search("Which tram does Ana take to work?", now="2025-01-01")]
        assert texts.index(LEEDS) < texts.index(TRAM)
        assert memory.search("Which tram does Ana take to work?", k=1, as_of="2022-12-01")[0].text == TRAM
        assert memory.search("Where did Ana run a marathon?", k=1, now="2025-01-01")[0].text == MARATHON


def test_a_fact_leads_to_its_turn_whatever_words_it_was_told_in(tmp_path):
    """The fact part: the question shares no word with the turn, only with what it states."""
    others = [(f"2022-01-{i:02}", f"Thing {i} is my favourite thing.") for i in range(1, 25)]
    SAID.update({text: ("Ana", f"favourite_thing_{at}", "it") for at, text in others})
    lives = "Boxes everywhere in this flat of mine in Porto!"
    SAID[lives] = ("Ana", "lives_in", "Porto")
    for fact in (2.0, 0.0):
        with opened(tmp_path / f"{fact}", fact=fact) as memory:
            tell(memory, *others, ("2022-03-01", lives), ("2022-03-02", "We had to go and see how our friends live."))
            assert (memory.search("Lives in where?", k=1)[0].text == lives) is bool(fact)


def test_undone_or_erased_the_old_holds_again(tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, STORY[0], STORY[1])
        (ended,) = [op.id for op in memory.history() if op.kind == "supersede"]
        memory.undo(ended)
        assert "replaces" not in memory.search(HOME)[0].why
    with opened(tmp_path / "erased") as memory:
        tell(memory, STORY[0], STORY[1])
        memory.erase(sessions="2023-02-01")
        assert [record.text for record in memory.records(kinds="fact")] == [PORTO]
        assert all("replaces" not in hit.why for hit in memory.search(HOME))


def test_of_another_user_nothing_is_replaced(tmp_path):
    with opened(tmp_path) as memory:
        memory.add(PORTO, at="2022-01-01", speaker="Ana", user="u")
        memory.add(LEEDS, at="2023-01-01", speaker="Ana", user="v")
        assert [hit.text for hit in memory.search(HOME, user="u")] == [PORTO]
        assert all("replaces" not in hit.why for hit in memory.search(HOME))


def test_only_facts_that_give_a_value_are_kept_beside_the_turns(tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, STORY[0], ("2022-02-02", TRAM))
        (fact,) = memory.records(kinds="fact")
        assert (fact.text, fact.key) == (PORTO, "Ana lives in Porto")
        assert [hit.text for hit in memory.search(HOME, kinds="fact")] == [PORTO]


def test_a_long_text_leads_to_the_piece_that_says_it(tmp_path):
    pages = "Nothing of note happened on that day. " * 80
    with remanence.open(tmp_path / "m.db", embed="hashing") as memory:
        memory.add(f"\n {pages}I live in Porto. {pages}", at="2022-01-01", speaker="Ana")
        memory.add("I live in Leeds.", at="2023-01-01", speaker="Ana")
        (old,) = memory.records(kinds="fact", as_of="2022-06-01")
        (turn,) = [memory.get(link.record) for link in old.links if link.relation == "told_in"]
        assert "I live in Porto." in turn.text
        assert len(list(memory.records(kinds="turn"))) > 2


@pytest.mark.parametrize("method", ["words", "dense", "fifo", "set_coverage", "embedding_quantization", "hybrid"])
def test_methods_that_derive_turns_share_a_store_and_recall_turns(method, tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, *STORY)
    with remanence.open(tmp_path / "m.db", method=method) as memory:
        assert {hit.record.kind for hit in memory.search("Ana lives in Porto", k=20)} == {"turn"}
        memory.add("I live in Rome.", at="2024-05-05", speaker="Ana")


def test_turns_without_facts_are_read_as_they_are(tmp_path):
    with remanence.open(tmp_path / "m.db", method="words", embed="hashing") as memory:
        tell(memory, STORY[0], STORY[1])
    with opened(tmp_path) as memory:
        assert all("replaces" not in hit.why for hit in memory.search(HOME))
        tell(memory, STORY[2])
        assert memory.rebuild() == 6
        assert first(memory) == BACK


@pytest.mark.parametrize("method", ["hybrid", "words"])
def test_with_rules_alone(method, tmp_path):
    with remanence.open(tmp_path / "m.db", method=method) as memory:
        for at, text in (
            ("2022-01-10", PORTO),
            ("2023-02-01", "I moved to Leeds."),
            ("2024-03-03", BACK),
        ):
            memory.add(text, at=at, speaker="Ana")
        now = memory.search("Where does Ana live, in Porto?", k=1)[0]
        then = memory.as_of("2023-06-01").search("Where does Ana live, in Porto?", k=1)[0]
        assert ((now.at.year, then.at.year) == (2024, 2023)) is (method == "hybrid")
