"""The default embedder: its tokenizer worked by hand, its meaning, its limits."""

import hashlib
import random
import time
from itertools import pairwise

import numpy as np
import pytest

from remanence.embed.parts import wordpiece
from remanence.embed.parts.wordpiece import WordPiece, fold
from remanence.embed.static import AT_ONCE, LONGEST_TEXT, TABLE, Static

PIECES = ["un", "##aff", "##able", "##a", "##ffa", "run", "##ner", "##n", "##ne", "cafe", "日", "本", "2", "##0", "x"]

PINNED = [
    -0.213785,
    -0.009853,
    -0.035999,
    -0.038095,
    0.00391,
    0.007683,
]  # of the sentence in test_the_vectors_are_pinned


@pytest.fixture(scope="module")
def embed() -> Static:
    return Static()


def pieces(text: str) -> list[str]:
    return [PIECES[row] for row in WordPiece({piece: row for row, piece in enumerate(PIECES)}).rows(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unaffable", ["un", "##aff", "##able"]),  # BERT's own example: ##aff wins over the shorter ##a
        ("runner", ["run", "##ner"]),  # the longest continuation, not ##n or ##ne
        ("runne run", ["run", "##ne", "run"]),
        ("runnex run", ["run"]),  # no piece continues with x: the whole word is unknown, its neighbour is not
        ("ner", []),  # ##ner continues a word and cannot begin one
        ("Café CAFÉ cafe\u0301", ["cafe", "cafe", "cafe"]),
        ("un-run_x, (x)!", ["un", "run", "x", "x"]),
        ("日本x", ["日", "本", "x"]),
        ("200", ["2", "##0", "##0"]),
        ("x" * 101, []),
        ("", []),
    ],
)
def test_pieces_are_the_longest_from_the_left(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_a_word_at_the_limit_of_length_is_still_split() -> None:
    assert pieces("2" + "0" * 99) == ["2"] + ["##0"] * 99
    assert pieces("2" + "0" * 100) == []


def test_the_cache_of_words_is_bounded_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordpiece, "MOST_CACHED", 3)
    words = WordPiece({piece: row for row, piece in enumerate(PIECES)})
    text = "un run cafe x 2 un run cafe x 2"
    assert words.rows(text) == [0, 5, 9, 14, 12] * 2
    assert len(words.cache) <= 3


def test_fold_lowers_and_strips_accents() -> None:
    assert fold("ÀÉÎõü Ñ") == "aeiou n"
    assert fold("ASCII stays") == "ascii stays"


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("The doctor treated the patient", "A physician cared for a sick man", "The stock market fell sharply"),
        ("Where does Ana live?", "Ana moved to a flat in Lisbon", "The recipe needs two eggs"),
        ("automobile", "car", "banana"),
        ("She adopted a puppy", "He has a new dog", "They signed a contract"),
        ("myocardial infarction", "heart attack", "guitar lesson"),
    ],
)
def test_what_means_the_same_is_closer(embed: Static, text: str, near: str, far: str) -> None:
    a, b, c = embed.embed([text, near, far])
    assert a @ b > a @ c + 0.15


def test_a_filler_word_weighs_less_than_a_telling_one(embed: Static) -> None:
    both, filler, telling = embed.embed(["the volcano", "the", "volcano"])
    assert both @ telling > 0.9 > both @ filler


def test_rows_have_length_one_and_the_contract_holds(embed: Static) -> None:
    vectors = embed.embed(["one", "two words", "a longer sentence with more words in it"])
    assert vectors.shape == (3, embed.dim) and vectors.dtype == np.float32
    assert embed.dim % 8 == 0
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert embed.embed([]).shape == (0, embed.dim)


def test_the_id_names_the_table() -> None:
    assert Static().id == "static-" + hashlib.sha256(TABLE.read_bytes()).hexdigest()[:8]
    assert TABLE.stat().st_size <= 8_000_000


def test_the_vectors_are_pinned(embed: Static) -> None:
    vector = embed.embed(["I moved to Lisbon in March, naïvely."])[0]
    np.testing.assert_allclose(vector[:6], PINNED, atol=1e-6)


def test_the_table_is_read_as_it_was_packed(embed: Static) -> None:
    """One piece, unpacked the slow way: two numbers a byte, the first in the high half."""
    with np.load(TABLE, allow_pickle=False) as file:
        row = file["words"].tobytes().decode().split("\n").index("volcano")
        slow = [float(file["levels"][half]) for byte in file["codes"][row] for half in (byte >> 4, byte & 15)]
    np.testing.assert_allclose(embed.embed(["volcano"])[0], np.array(slow) / np.linalg.norm(slow), atol=1e-6)


def test_a_text_is_the_weighted_sum_of_its_words(embed: Static) -> None:
    with np.load(TABLE, allow_pickle=False) as file:
        words = file["words"].tobytes().decode().split("\n")
        scale = {word: float(file["scale"][words.index(word)]) for word in ("red", "volcano")}
    one, two, both = embed.embed(["red", "volcano", "red volcano volcano"])
    length = {w: scale[w] * np.linalg.norm(_row(w)) for w in scale}
    slow = one * length["red"] + 2 * two * length["volcano"]
    np.testing.assert_allclose(both, slow / np.linalg.norm(slow), atol=1e-5)


def _row(word: str) -> list[float]:
    with np.load(TABLE, allow_pickle=False) as file:
        row = file["words"].tobytes().decode().split("\n").index(word)
        return [float(file["levels"][half]) for byte in file["codes"][row] for half in (byte >> 4, byte & 15)]


def test_a_batch_equals_one_by_one(embed: Static) -> None:
    pool = [
        "the",
        "cat",
        "sat",
        "on",
        "a",
        "mat",
        "while",
        "rain",
        "fell",
        "and",
        "nobody",
        "in",
        "Lisbon",
        "knew",
        "why",
    ]
    pick = random.Random(0)
    texts = [" ".join(pick.choices(pool, k=pick.randint(0, 12))) for _ in range(AT_ONCE + 50)]
    batch = embed.embed(texts)
    some = [0, 1, 2, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, AT_ONCE + 49]
    assert np.array_equal(batch[some], np.concatenate([embed.embed([texts[i]]) for i in some]))


HOSTILE = [
    "",
    "\0",
    "\ud800",
    "a\udfffb",
    "😀👍🏽",
    "שלום עולם",
    "مرحبا",
    "日本語",
    "\n\t ",
    "___",
    "e\u0301" * 90,
    "\ufdfa",
]


def test_no_text_fails(embed: Static) -> None:
    vectors = embed.embed(HOSTILE)
    assert np.isfinite(vectors).all()
    lengths = np.linalg.norm(vectors, axis=1)
    assert all(abs(length - 1) < 1e-6 or length == 0 for length in lengths)
    for unknown in ("", "\0", "\ud800", "\n\t ", "___"):
        assert lengths[HOSTILE.index(unknown)] == 0
    for known in ("שלום עולם", "مرحبا", "日本語"):
        assert lengths[HOSTILE.index(known)] > 0


@pytest.mark.parametrize("text", ["word " * 200_000, "x" * 1_000_000, "日本" * 500_000, "é" * 1_000_000], ids=len)
def test_a_megabyte_is_read_up_to_the_limit(embed: Static, text: str) -> None:
    start = time.process_time()
    vector = embed.embed([text])
    assert time.process_time() - start < 1.5  # 0.02 s on one slow core
    assert np.array_equal(vector, embed.embed([text[:LONGEST_TEXT]]))


def test_it_is_fast(embed: Static) -> None:
    """Loose by a factor of ten: it catches a loop over words in the wrong place, not a slow machine."""
    texts = [f"short text number {i} about the weather" for i in range(4000)]
    embed.embed(texts)
    start = time.process_time()
    embed.embed(texts)
    assert time.process_time() - start < 2.0
    start = time.process_time()
    for text in texts[:300]:
        embed.embed([text])
    assert time.process_time() - start < 1.0


def test_loading_happens_at_the_first_text_and_not_before() -> None:
    fresh = Static()
    assert "_table" not in vars(fresh)
    fresh.embed(["x"])
    assert "_table" in vars(fresh)


def test_no_two_rows_are_the_same_piece(embed: Static) -> None:
    with np.load(TABLE, allow_pickle=False) as file:
        words = sorted(file["words"].tobytes().decode().split("\n"))
        assert len(words) == len(file["codes"]) == len(file["scale"])
    assert all(a != b for a, b in pairwise(words))
