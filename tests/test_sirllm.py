"""SirLLM: what surprised is kept, for longer the more it did and the later it came."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402

from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.cache.sirllm import SirLLM  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

SINKS, LOCAL = 2, 4


def fed(policy: SirLLM | Streaming, surprise: Tensor, piece: int, late: int = 0) -> list[list[int]]:
    """The places each row holds after tokens of this surprise [B, N], heard up to `late` before the newest."""
    b, n = surprise.shape
    keys = torch.zeros(b, 2, n, 8)
    held = Held(Tokens.like(keys), Tokens.like(keys), Heard())
    for start in range(0, n, piece):
        held.append(keys[:, :, start : start + piece], keys[:, :, start : start + piece], None)
        known = surprise[:, : max(0, min(start + piece, n) - late)]
        if known.shape[1]:
            # The entropy of the predictions ranks the other way round: whoever takes it fails.
            held.heard = Heard(torch.zeros(known.shape, dtype=torch.long), known, 20 - known)
        policy.added(held)
    return held.places().expand(b, -1, -1)[:, 0].tolist()


def slowly(surprise: list[float], keep: int, piece: int, decay: float, turn: int) -> list[int]:
    """The paper's loop: all that is held decays each turn, and the best stay."""
    worth: dict[int, float] = {}
    for start in range(0, len(surprise), piece):
        for t in range(start, min(start + piece, len(surprise))):
            worth = {at: w * decay ** (1 / turn) for at, w in worth.items()}
            worth[t] = surprise[t]
        ranked = sorted(worth)
        between = ranked[SINKS : len(ranked) - LOCAL]
        best = sorted(between, key=lambda at: worth[at], reverse=True)[: keep - SINKS - LOCAL]
        if len(ranked) > keep:
            worth = {at: worth[at] for at in ranked if at in best or at not in between}
    return sorted(worth)


def test_the_most_surprising_are_kept_as_the_loop_of_the_paper_keeps_them() -> None:
    surprise = 10 * torch.rand(2, 90, generator=torch.Generator().manual_seed(0))
    settings = {"sinks": SINKS, "local": LOCAL}
    kept = fed(SirLLM(keep=20, decay=0.7, turn=16, **settings), surprise, piece=9)
    for row in range(2):
        assert kept[row] == slowly(surprise[row].tolist(), 20, 9, 0.7, 16)
    undecayed = fed(SirLLM(keep=20, decay=1, turn=16, **settings), surprise, piece=9)
    assert undecayed[0] == slowly(surprise[0].tolist(), 20, 9, 1, 16) != kept[0]


def test_a_surprise_long_ago_is_held_where_a_window_lost_it() -> None:
    surprise = torch.full((1, 120), 0.5)
    surprise[0, [17, 18, 40]] = 9
    settings = {"sinks": SINKS, "local": LOCAL}
    assert {17, 18, 40} <= set(fed(SirLLM(keep=12, **settings), surprise, piece=10)[0])
    assert not {17, 18, 40} & set(fed(Streaming(chunk=6, **settings), surprise, piece=10)[0])


def test_of_equal_surprises_the_older_goes_first_and_of_a_greater_one_decay_decides() -> None:
    surprise = torch.full((1, 120), 0.1)
    surprise[0, [20, 60]] = torch.tensor([5.5, 5.0])
    settings = {"keep": SINKS + LOCAL + 1, "sinks": SINKS, "local": LOCAL, "turn": 10}
    assert fed(SirLLM(decay=0.9, **settings), surprise, piece=10)[0][SINKS] == 60
    assert fed(SirLLM(decay=1, **settings), surprise, piece=10)[0][SINKS] == 20
    surprise[0, 60] = 5.5
    assert fed(SirLLM(decay=0.99, **settings), surprise, piece=10)[0][SINKS] == 60


def test_what_is_not_known_yet_counts_as_the_mean_of_its_row() -> None:
    surprise = torch.full((2, 40), 1.0)
    surprise[:, 10:14], surprise[:, 14:18] = 6.0, 0.2
    surprise[1] *= 100
    settings = {"keep": SINKS + LOCAL + 8, "sinks": SINKS, "local": LOCAL}
    kept = fed(SirLLM(decay=0.9, turn=1000, **settings), surprise, piece=40, late=18)
    assert kept[0] == kept[1], "a row's mean is its own"
    between = kept[0][SINKS:-LOCAL]
    assert between[:4] == [10, 11, 12, 13]
    assert between[4:] == [32, 33, 34, 35], "the mean is 1.6: above what is known to be less, the newest first"
    assert fed(SirLLM(**settings), surprise, piece=40, late=40)[0] == [0, 1, *range(28, 40)], "nothing known: a window"


def test_settings_that_cannot_work_are_refused() -> None:
    for wrong in ({"decay": 0}, {"decay": 1.5}, {"turn": 0}):
        with pytest.raises(BadConfig):
            SirLLM(**wrong)
