"""The past in mapped files: the same answers, and nothing left of the files."""

import gc
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from archs import tiny  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402
from remanence.cache.think import ThinK  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.cache.wrappers.on_disk import OnDisk  # noqa: E402
from remanence.errors import BadConfig, DiskFull  # noqa: E402

SIZES = {"sinks": 2, "local": 8, "chunk": 16}
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
GREEDY = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 0}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    with torch.no_grad():
        yield


def ids(rows: int, n: int):
    return torch.randint(3, 256, (rows, n), generator=torch.Generator().manual_seed(0))


def files(folder: Path) -> int:
    """Bytes of this process's memory that are files of the folder."""
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if str(folder) in line]
    return sum(int(span.partition("-")[2], 16) - int(span.partition("-")[0], 16) for span, *_ in lines)


@pytest.mark.parametrize(
    "policy", [TopBlocks(blocks=3, block=4, **SIZES), Streaming(**SIZES), ThinK(group=16, **SIZES)], ids=repr
)
def test_it_answers_as_from_memory(tmp_path: Path, policy) -> None:
    model = tiny("llama")
    answers = []
    for each in (policy, OnDisk(policy, str(tmp_path))):
        with each(model):
            answers.append(model.generate(ids(2, 200), num_beams=2, **GREEDY))
    assert torch.equal(*answers)


@LINUX
def test_the_past_is_in_files_without_names_and_they_go_with_it(tmp_path: Path) -> None:
    model = tiny("llama")
    with OnDisk(TopBlocks(blocks=3, block=4, **SIZES), str(tmp_path))(model) as memory:
        cache = memory.read(ids(1, 1500))
        assert files(tmp_path) >= cache.memory_layers[0].held.nbytes * 2, "two layers of keys and values"
        cache.batch_repeat_interleave(2)
        assert files(tmp_path) >= cache.memory_layers[0].held.nbytes * 2, "rows that were copied too"
        assert list(tmp_path.iterdir()) == []
        del cache
    gc.collect()
    assert files(tmp_path) == 0


@LINUX
def test_nothing_is_left_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), OnDisk(TopBlocks(**SIZES), str(tmp_path))(tiny("llama")) as memory:
        memory.read(ids(1, 100))
        raise ZeroDivisionError
    del memory
    gc.collect()
    assert list(tmp_path.iterdir()) == [] and files(tmp_path) == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.uint8, torch.float16])
def test_every_kind_of_number_has_room(tmp_path: Path, dtype) -> None:
    store = OnDisk(TopBlocks(), str(tmp_path)).store(torch.empty(1, 2, 0, 4, dtype=dtype), "keys")
    x = torch.arange(24).view(1, 2, 3, 4).to(dtype)
    store.append(x)
    assert torch.equal(store.span(0, 3), x)


@LINUX
def test_a_disk_without_room_is_an_error_and_not_the_end_of_the_process(tmp_path: Path) -> None:
    store = OnDisk(TopBlocks(), str(tmp_path)).store(torch.empty(1, 1, 0, 1), "keys")
    with pytest.raises(DiskFull):
        store.allocate((1, 1, 1 << 50, 1), store.data)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with OnDisk(TopBlocks(**SIZES), str(tmp_path / "none"))(tiny("llama")) as memory, pytest.raises(FileNotFoundError):
        memory.read(ids(1, 20))


def test_an_accelerator_is_refused() -> None:
    with pytest.raises(BadConfig, match="on meta"):
        OnDisk(TopBlocks()).store(torch.empty(1, 1, 0, 1, device="meta"), "keys")
