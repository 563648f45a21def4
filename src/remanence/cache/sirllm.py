"""The most surprising tokens are kept, each worth a little less the longer ago it was.

Source:  "SirLLM: Streaming Infinite Retentive LLM", Yao, Li, Zhao 2024 (arXiv 2405.12528).
Idea:    what the model could have foretold it need not remember: a token's entropy is its own -log p(x_t | x_<t), and
         the tokens with the highest are kept beside the sinks and the newest. With every turn what is held decays, so
         that old surprises make room for new ones.
Cost:    one number a token, from logits that are computed anyway; holds and reads `keep` tokens.
Differs: a turn is a fixed number of tokens, so that decay does not depend on how a text is fed. The entropy of the
         newest tokens is known one forward call late; one that must be judged before (a prompt that is longer than
         `keep`, read in one call) counts as the mean of those known, so that only decay ranks it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from remanence.cache.parts.held import PADDING, Held
from remanence.cache.parts.keep import Keep
from remanence.errors import BadConfig


@dataclass
class SirLLM(Keep):
    decay: float = 0.9  # of what a token is worth, each turn; 1 for none
    turn: int = 512  # tokens

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.decay <= 1:
            raise BadConfig(f"decay must be in (0, 1], got {self.decay}")
        if self.turn < 1:
            raise BadConfig(f"turn must be at least 1, got {self.turn}")

    @property
    def hears(self) -> bool:
        return True

    def score(self, held: Held, start: int, end: int) -> Tensor:
        places = held.places()[:, :1, start:end]  # every head keeps the same
        turns = (held.seen - places) / self.turn
        return _entropy(held.heard.surprise, places) * self.decay**turns


def _entropy(heard: Tensor | None, places: Tensor) -> Tensor:
    """[B or 1, 1, N]: nats, of the tokens seen at these places [B or 1, 1, N]; where not known, the mean of the row."""
    if heard is None:
        return torch.ones_like(places, dtype=torch.float32)
    places = places.expand(len(heard), -1, -1)
    known = (places != PADDING) & (places < heard.shape[1])
    entropy = heard[:, None].gather(2, places.clamp(0, heard.shape[1] - 1)).masked_fill(~known, 0)
    n = known.sum(-1, keepdim=True)
    mean = torch.where(n > 0, entropy.sum(-1, keepdim=True) / n.clamp(min=1), 1)
    return torch.where(known, entropy, mean)
