"""Keys and values in few bits: as far off as the formula allows, and no further; the bytes are really saved."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402
from transformers import LlamaForCausalLM  # noqa: E402

from archs import tiny  # noqa: E402
from remanence.bench import recall  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402
from remanence.cache.think import ThinK  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.cache.wrappers.on_disk import OnDisk  # noqa: E402
from remanence.cache.wrappers.quantized import Quantized  # noqa: E402
from remanence.errors import BadConfig, BadInput  # noqa: E402

RECALL = Path(__file__).parent / "data" / "recall"
LOCAL, GROUP = 16, 32
HALF = 2.0**-9  # what rounding s and z to half precision may add, relative to the greatest number


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    with torch.no_grad():
        yield


def drawn(n: int, rows: int = 2, heads: int = 2, width: int = 8, seed: int = 0) -> Tensor:
    """With a channel that is large in every token, as keys have."""
    x = torch.randn(rows, heads, n, width, generator=torch.Generator().manual_seed(seed))
    x[..., 3] = x[..., 3] * 0.3 + 12
    return x


def store(what: str, x: Tensor, bits: int = 8, forgets: bool = False) -> Tokens:
    inner = Streaming(local=LOCAL) if forgets else TopBlocks(local=LOCAL)
    tokens = Quantized(inner, bits=bits, group=GROUP).store(x[:, :, :0], what)
    tokens.append(x)
    tokens.settle()
    return tokens


@pytest.mark.parametrize("bits", [8, 4])
def test_keys_are_off_by_half_a_step_of_their_channel_and_values_of_their_token(bits: int) -> None:
    x = drawn(400)
    n = (400 - LOCAL) // GROUP * GROUP  # coded
    for what, groups in (("keys", x[:, :, :n].unflatten(2, (-1, GROUP))), ("values", x[:, :, :n, None])):
        over = 3 if what == "keys" else 4
        step = (groups.amax(over, keepdim=True) - groups.amin(over, keepdim=True)) / (2**bits - 1)
        off = (store(what, x, bits).span(0, n).view_as(groups) - groups).abs()
        slack = HALF * groups.abs().amax(over, keepdim=True)
        assert (off <= step / 2 + slack).all(), what
        assert (off > step / 4).float().mean() > 0.3, f"no more bits are spent on {what} than were said"
        assert torch.equal(store(what, x, bits).span(n, 400), x[:, :, n:]), "the newest are in full"


def test_a_scale_for_each_token_would_lose_more_of_the_keys() -> None:
    x = drawn(400)
    small = [0, 1, 2, 4, 5, 6, 7]
    by_channel = (store("keys", x, bits=4).span(0, 384) - x[:, :, :384])[..., small].abs().mean()
    by_token = (store("values", x, bits=4).span(0, 384) - x[:, :, :384])[..., small].abs().mean()
    assert by_channel < 0.5 * by_token


def test_the_codes_are_those_of_the_formula() -> None:
    x = drawn(160, rows=1, heads=1, width=4)
    got = store("keys", x).parts()
    for channel in range(4):
        column = x[0, 0, :GROUP, channel].tolist()
        s, z = got["marks"][0, 0, 0, [channel, 4 + channel]].tolist()
        assert z <= min(column) and z + 255 * s >= max(column), "rounded outwards"
        assert s == pytest.approx((max(column) - min(column)) / 255, rel=0.1)
        assert got["codes"][0, 0, :GROUP, channel].tolist() == [round((each - z) / s) for each in column]


@pytest.mark.parametrize(("bits", "most"), [(8, 0.3), (4, 0.17)])
def test_the_bytes_are_saved(bits: int, most: float) -> None:
    x = drawn(4096, width=32)
    coded = sum(store(what, x, bits).nbytes for what in ("keys", "values"))
    assert coded <= most * 2 * x.nbytes
    tensors = [y for what in ("keys", "values") for y in store(what, x, bits).parts().values()]
    assert coded == sum(y.nbytes for y in tensors), "nothing is held beside them"


@pytest.mark.parametrize("forgets", [False, True])
def test_it_is_read_and_changed_as_tokens_are(forgets: bool) -> None:
    random = torch.Generator().manual_seed(1)
    x = drawn(700)
    plain, coded = Tokens.like(x), store("keys", x[:, :, :0], forgets=forgets)
    bound = 0.2 if forgets else 0.06  # a step of all channels of a token, or of one channel: 13 / 255, 4 / 255

    def close() -> None:
        n = len(plain)
        assert len(coded) == n
        a, b = sorted(torch.randint(0, n + 1, (2,), generator=random).tolist())
        ids = torch.randint(0, n, (2, 1, 9), generator=random)
        assert torch.allclose(coded.span(0, n), plain.span(0, n), atol=bound)
        assert torch.equal(coded.span(a, b), coded.span(0, n)[:, :, a:b])
        assert torch.equal(coded.take(ids), _gathered(coded.span(0, n), ids))

    for start in (0, 3, 250, 251, 500):
        piece = x[:, :, start : start + 200]
        for tokens in (plain, coded):
            tokens.append(piece)
        coded.settle()
        close()
    for n in (990, 805, 801, 260, 203):
        for tokens in (plain, coded):
            tokens.crop(n)
        close()
    for tokens in (plain, coded):
        tokens.append(x)
        coded.settle()
        tokens.rows(torch.tensor([1, 0, 1]))
        tokens.rows(torch.tensor([0, 2]))
    close()
    kept = torch.rand(2, 2, len(plain), generator=random).topk(300).indices.sort(-1).values
    for tokens in (plain, coded):
        tokens.keep(kept)
    close()


def test_what_is_kept_is_not_coded_again() -> None:
    x = 12 + 0.01 * drawn(400)[..., :3]  # so close together that another look gives other codes
    tokens = store("keys", x, forgets=True)
    kept = torch.stack([torch.arange(0, 400, 2), torch.arange(200, 400)])[None].expand(2, -1, -1)
    for _ in range(3):
        before = tokens.take(kept)
        coded = kept < len(tokens.codes)
        tokens.keep(kept)
        tokens.settle()
        assert torch.equal(tokens.span(0, 200)[coded], before[coded])
        kept = torch.arange(len(tokens))[None, None].expand(2, 2, -1)


def _gathered(x: Tensor, ids: Tensor) -> Tensor:
    return x.gather(2, ids[..., None].expand(-1, x.shape[1], -1, x.shape[3]))


def test_needles_are_found_as_before() -> None:
    n, width = 2000, 32
    random = torch.Generator().manual_seed(2)
    k, v = (torch.randn(1, 2, n, width, generator=random) for _ in range(2))
    k = k / k.norm(dim=-1, keepdim=True) * 6  # so that none is likelier than the needle itself
    policies = [TopBlocks(blocks=32, block=4, local=32), Quantized(TopBlocks(blocks=32, block=4, local=32))]
    helds = [Held(p.store(k[:, :, :0], "keys"), p.store(v[:, :, :0], "values"), Heard()) for p in policies]
    for held in helds:
        held.append(k, v, None)
    policies[1].added(helds[1])
    assert len(helds[1].k.codes) > 1900
    for needle in range(40, 1900, 31):
        query = k[:, :, needle : needle + 1]
        chosen = [p.choose(h, query, n).ids for p, h in zip(policies, helds, strict=True)]
        found = [(query * h.k.take(ids)).sum(-1).softmax(-1) for h, ids in zip(helds, chosen, strict=True)]
        for weights, ids in zip(found, chosen, strict=True):
            assert (ids.gather(2, weights.argmax(-1, keepdim=True)) == needle).all()
        answers = [(w[..., None] * h.v.take(ids)).sum(2) for w, h, ids in zip(found, helds, chosen, strict=True)]
        assert torch.allclose(*answers, atol=0.05)


def right(model, policy, world) -> int:
    """Questions answered, one a row."""
    rows = np.arange(len(world.tokens))
    pair = rows % world.keys.shape[1]
    with policy(model) as memory:
        cache = memory.read(torch.from_numpy(world.tokens))
        asked = torch.from_numpy(world.keys[rows, pair])[:, None]
        said = model(asked, past_key_values=cache).logits[:, -1].argmax(-1)
    return int((said.numpy() == world.values[rows, pair]).sum())


@pytest.mark.skipif(not RECALL.exists(), reason="needs the small trained model")
def test_a_trained_model_recalls_as_well_from_eight_bits() -> None:
    model = LlamaForCausalLM.from_pretrained(RECALL).eval()
    world = recall.contexts(np.random.default_rng(0), 32, 1024, 8)  # eight times its window
    full = TopBlocks(blocks=8, block=8, sinks=1, local=32, chunk=64)
    in_full = right(model, full, world)
    assert in_full >= 31
    assert right(model, Quantized(full), world) >= in_full - 1
    assert right(model, Streaming(sinks=1, local=32), world) < 5, "what is far was needed"


@pytest.mark.parametrize("policy", [TopBlocks(blocks=10**6, local=LOCAL), Streaming(local=LOCAL, stride=256)], ids=repr)
def test_a_saved_one_is_small_and_answers_the_same(tmp_path, policy) -> None:
    model, ids = tiny("llama"), torch.randint(3, 256, (1, 600), generator=torch.Generator().manual_seed(3))
    paths = tmp_path / "full.cube", tmp_path / "coded.cube"
    with policy(model) as memory:
        memory.read(ids, step=40).save(paths[0])
        full = model(ids[:, :5], past_key_values=memory.load(paths[0])).logits
    with Quantized(policy)(model) as memory:
        cache = memory.read(ids, step=40)
        cache.save(paths[1])
        before = model(ids[:, :5], past_key_values=cache).logits
        after = model(ids[:, :5], past_key_values=memory.load(paths[1])).logits
        grown = memory.read(ids[:, :5], memory.load(paths[0])) if not policy.forgets else cache
        assert grown.nbytes < 0.6 * cache.get_seq_length() * 2 * 2 * 2 * 16 * 4, "a file in full is coded as well"
    assert torch.equal(after, before)
    assert not torch.equal(before, full) and (before - full).abs().max() < 0.05 * full.abs().max()


def test_what_cannot_be_coded_is_refused() -> None:
    x = torch.zeros(1, 1, 0, 4)
    with pytest.raises(BadConfig, match="bits must be 4 or 8, got 2"):
        Quantized(TopBlocks(), bits=2)
    with pytest.raises(BadConfig, match="ThinK keeps keys in fewer bytes already"):
        Quantized(ThinK()).store(x, "keys")
    with pytest.raises(BadConfig, match="even"):
        Quantized(TopBlocks(), bits=4).store(torch.zeros(1, 1, 0, 3), "keys")
    with pytest.raises(BadInput, match="half precision"):
        store("keys", torch.full((1, 1, 300, 4), 1e6))


def test_it_can_be_on_disk_either_way_round(tmp_path) -> None:
    x = drawn(300)
    either = (Quantized(OnDisk(TopBlocks(), str(tmp_path))), OnDisk(Quantized(TopBlocks()), str(tmp_path)))
    for policy in either:
        tokens = policy.store(x[:, :, :0], "keys")
        tokens.append(x)
        assert all(
            part.allocate.__self__.folder == str(tmp_path) for part in (tokens.codes, tokens.marks, tokens.newest)
        )
