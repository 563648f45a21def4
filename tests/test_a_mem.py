"""A-MEM finds by what a note came to mean, and by what it is linked to."""

from collections.abc import Sequence

import pytest

import remanence
from remanence.lm.rules import Rules
from remanence.lm.scripted import Scripted

CAKE, REX = "Rex ate the whole cake on Sunday.", "Rex is the spaniel we took from the shelter."
OTHERS = (
    "The dog show in town was fun.",
    "Our dessert was stolen from the terrace, spaniel or no spaniel.",
    "Nice dog!",
)
QUESTION = "Which dog ate dessert?"


def model(verdict: str = "extends", evolved: str = "Rex, the dog, a spaniel, ate dessert.") -> Scripted:
    """Notes that speak of Rex belong together; what is known of both is written down by hand."""

    def relevant(question: str, texts: Sequence[str]) -> list[float]:
        return [float("Rex" in question and "Rex" in text) for text in texts]

    def summary(texts: Sequence[str], about: str, previous: str, words: int) -> str:
        return evolved if len(texts) > 1 else ""

    return Scripted(
        {
            "keywords": lambda text, n: [w for w in ("dog", "dessert") if w in text and text.startswith("Rex")][:n],
            "summary": summary,
            "relevant": relevant,
            "conflict": lambda old, new: verdict if "Rex" in old and "Rex" in new else "unrelated",
        }
    )


def lived(lm: object, method: str = "a_mem", **settings: object) -> remanence.Memory:
    memory = remanence.open(method=method, embed="hashing", lm=lm, **settings)
    for day, text in enumerate((CAKE, *OTHERS, REX), start=1):
        memory.add(text, at=f"2024-01-0{day}", session=str(day))
    return memory


def test_a_note_is_found_by_what_a_later_one_made_of_it():
    with lived(model()) as memory:
        hit = memory.search(QUESTION, k=1)[0]
        assert (hit.text, hit.record.kind, f"{hit.at:%d}") == (CAKE, "turn", "01")
        assert [memory.get(source.event).text for source in hit.sources] == [CAKE]


@pytest.mark.parametrize("method", ["dense", "add only"])
def test_as_it_was_said_it_is_not_found(method):
    with lived(model("unrelated"), "dense" if method == "dense" else "a_mem") as memory:
        assert memory.search(QUESTION, k=1)[0].text != CAKE


def test_the_evolved_note_takes_the_place_of_the_old_one_and_only_from_then_on():
    with lived(model()) as memory:
        (note,) = [r for r in memory.records(kinds="note") if r.text == CAKE]
        assert note.meta == {
            "keywords": ["dog", "dessert"],
            "tags": ["dog", "dessert"],
            "context": note.meta["context"],
        }
        assert {memory.get(source.event).text for source in note.sources} == {CAKE, REX}
        before = memory.as_of("2024-01-04")
        assert [r.meta["context"] for r in before.records(kinds="note") if r.text == CAKE] == [""]
        assert before.search(QUESTION, k=1)[0].text != CAKE


def test_evolving_goes_on_from_the_context_before():
    lm = model()
    with lived(lm) as memory:
        memory.add("Rex had to see the vet.", at="2024-01-09")
    contexts = [given["previous"] for what, given in lm.asked if what == "summary" and len(given["texts"]) > 1]
    assert contexts == ["", "Rex, the dog, a spaniel, ate dessert.", ""], "REX itself had no context before"


def test_a_note_changed_since_is_still_found_by_when_it_was_said():
    with lived(model()) as memory:
        hits = memory.search(QUESTION, between=("2024-01-01", "2024-01-02"))
    assert [hit.text for hit in hits] == [CAKE]


def test_linked_notes_come_along_from_either_end():
    question = "spaniel shelter took we"
    with lived(model("unrelated")) as memory:
        hits = memory.search(question, k=3)
        assert [hit.text for hit in hits][:1] == [REX]
        assert dict(next(hit for hit in memory.search(question, k=1 + 4) if hit.text == CAKE).why) != {}
        linked = {hit.text: dict(hit.why) for hit in memory.search(question, k=2)}
        assert linked[CAKE] == {"linked": pytest.approx(0.7 * linked[REX]["note"])}
        back = {hit.text for hit in memory.search("ate the whole cake on Sunday", k=2)}
        assert back == {CAKE, REX}
    with lived(model("unrelated"), linked=2.0) as memory:
        assert CAKE not in {hit.text for hit in memory.search(question, k=2)}


@pytest.mark.parametrize("first", [0, 1, 4])
def test_one_batch_or_many_gives_the_same_notes_and_links(first):
    """Also a note that evolves twice in a batch, whether it was there before or came with it."""

    def kept(memory: remanence.Memory) -> set[tuple[str, str, tuple[tuple[str, str], ...]]]:
        records = memory.as_of("2024-02-01").records()
        return {
            (r.id, str(r.valid_to), tuple(sorted((link.relation, link.record) for link in r.links))) for r in records
        }

    with lived(model()) as one, remanence.open(method="a_mem", embed="hashing", lm=model()) as many:
        one.add("Rex had to see the vet.", at="2024-01-08", session="8")
        one.add("Rex is mine, says Ben.", at="2024-01-09", session="9", user="ben")
        events = list(one.events())
        many.add_many(events[:first])
        many.add_many(events[first:])
        assert kept(many) == kept(one)
        assert sorted(len(r.sources) for r in one.records(kinds="note")) == [1, 1, 1, 1, 1, 2, 3]


def test_erasing_what_changed_a_note_brings_back_what_it_was():
    with lived(model()) as memory:
        memory.erase(sessions="5")
        (note,) = [r for r in memory.records(kinds="note") if r.text == CAKE]
        assert (note.meta["context"], len(note.sources)) == ("", 1)
        assert memory.search(QUESTION, k=1)[0].text != CAKE


def test_notes_of_two_people_stay_apart():
    with remanence.open(method="a_mem", embed="hashing", lm=model()) as memory:
        memory.add(CAKE, at="2024-01-01", user="ana")
        memory.add(REX, at="2024-01-02", user="ben")
        assert [len(r.sources) for r in memory.records(kinds="note")] == [1, 1]
        assert not any(link.relation == "related" for r in memory.records() for link in r.links)


def test_rules_link_and_evolve():
    with remanence.open(method="a_mem", embed="hashing", lm=Rules()) as memory:
        memory.add("I live in Porto with Rex.", at="2024-01-01", speaker="Ana")
        memory.add("The weather is awful.", at="2024-01-02", speaker="Ana")
        memory.add("I live in Lisbon with Rex.", at="2024-01-03", speaker="Ana")
        texts = {r.text: r.key for r in memory.records(kinds="note")}
        assert "Lisbon" in texts["I live in Porto with Rex."]
        assert "Lisbon" not in texts["The weather is awful."]
