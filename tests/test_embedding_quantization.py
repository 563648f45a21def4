"""Codes keep the order of cosines as far as their bits go, worked out by hand where that can be."""

import numpy as np
import pytest

import remanence
from remanence.errors import BadConfig
from remanence.registry import build
from remanence.text.embedding_quantization import E4M3, code, decode, principal


def test_float8_is_e4m3():
    """Largest 448, smallest normal 2^-6, smallest 2^-9, eight steps an octave, 253 values (NaN and -0 left out)."""
    assert len(E4M3) == 253
    assert E4M3.max() == 448 and E4M3.min() == -448
    positive = E4M3[E4M3 > 0]
    assert positive[0] == 2.0**-9 and positive[7] == 2.0**-6
    assert [float(x) for x in positive[(positive >= 1) & (positive < 2)]] == [1 + m / 8 for m in range(8)]


@pytest.mark.parametrize(("value", "nearest"), [(1.06, 1.0), (1.07, 1.125), (-1.3, -1.25), (0.0, 0.0), (1.9, 1.875)])
def test_float8_rounds_to_the_nearest(value, nearest):
    vector = np.array([[value / 256]], dtype=np.float32)
    assert decode(code(vector, "float8"), "float8", 1)[0, 0] * 256 == nearest


@pytest.fixture(scope="module")
def vectors():
    made = np.random.default_rng(0).standard_normal((400, 64)).astype(np.float32) * np.linspace(2, 0.1, 64)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def agreement(vectors: np.ndarray, kind: str) -> float:
    """Mean share of the true ten nearest that the codes name."""
    coded = decode(code(vectors, kind), kind, vectors.shape[1])
    coded = coded / np.linalg.norm(coded, axis=1, keepdims=True)
    true, found = (np.argsort(-(v @ vectors[:50].T), axis=0)[:10] for v in (vectors, coded))
    return float(np.mean([len(set(true[:, i]) & set(found[:, i])) / 10 for i in range(50)]))


def test_more_bits_agree_better(vectors):
    quality = [agreement(vectors, kind) for kind in ("binary", "float8", "float16", "float32")]
    assert quality == sorted(quality)
    assert quality[0] < 0.7 < 0.9 < quality[1] and quality[3] == 1.0


def test_principal_components_keep_what_chance_directions_lose(vectors):
    basis = principal(vectors, 32)
    np.testing.assert_allclose(basis.T @ basis, np.eye(32), atol=1e-5)
    chance = np.linalg.qr(np.random.default_rng(1).standard_normal((64, 32)))[0].astype(np.float32)
    held = [float(((vectors @ b) ** 2).sum() / (vectors**2).sum()) for b in (basis, chance)]
    assert held[0] > 0.85 > 0.7 > held[1]


def test_bytes_are_what_the_code_says():
    sizes = {
        kind: build("text", "embedding_quantization", code=kind).bytes_per_vector(256)
        for kind in ("float32", "float8", "binary")
    }
    assert sizes == {"float32": 1024, "float8": 256, "binary": 32}
    assert build("text", "embedding_quantization", kept=0.5).bytes_per_vector(256) == 128


TALK = [f"{a} {b}" for a in ("violin", "ferry", "garden", "letter") for b in ("lesson", "harbour", "fence", "stamp")]


def found(**settings: object) -> list[str]:
    with remanence.open(method="embedding_quantization", **settings) as memory:
        for text in TALK:
            memory.add(text)
        return [hit.text for hit in memory.search("a lesson on the violin", k=3)]


def test_rescoring_mends_what_one_bit_loses():
    with remanence.open(method="dense") as memory:
        for text in TALK:
            memory.add(text)
        exact = [hit.text for hit in memory.search("a lesson on the violin", k=3)]
    assert found(code="float32") == exact
    assert found(code="binary", kept=0.1, rescore=16) == exact
    assert found(code="binary", kept=0.1) != exact


def test_an_unknown_code_or_share_is_refused():
    with pytest.raises(BadConfig, match=r"no code 'float9'\. Did you mean 'float8'"):
        build("text", "embedding_quantization", code="float9")
    with pytest.raises(BadConfig, match=r"kept must be in \(0, 1\], got 2"):
        build("text", "embedding_quantization", kept=2)
