"""A frozen model as a contender, with a cache memory attached to it, or as it is.

One model serves all worlds and all contenders that were given it. Each world is read into a cache of its own; a
question is asked of a copy of that cache, and the copy is not timed.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from remanence.bench.base import Continue, Found
from remanence.errors import BadConfig, MissingExtra
from remanence.lm.base import Usage
from remanence.registry import build

if TYPE_CHECKING:
    from torch import Tensor

    from remanence.cache.base import Base as Policy

FULL = "full"  # no memory attached: attention over everything, as the model was made
STEP = 512  # tokens handed to the model at a time
WANTED = "which model reads? Say --set model=FOLDER; scripts/train_recall.py makes a small one"


@dataclass
class Frozen:
    """A Hugging Face causal language model in a folder, loaded when it is first needed."""

    folder: str

    @cached_property
    def model(self) -> Any:
        if not self.folder:
            raise BadConfig(WANTED)
        try:
            import torch  # noqa: F401 - only whether it is there
            import transformers
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"a frozen model needs {error.name}: pip install 'remanence[cache]', torch first"
            ) from None
        try:
            model: Any = transformers.AutoModelForCausalLM.from_pretrained(self.folder, dtype="auto")
        except (OSError, ValueError) as error:
            raise BadConfig(f"no model could be loaded from {self.folder!r}: {error}") from error
        return model.eval()

    @cached_property
    def about(self) -> dict[str, Any]:
        """Its name and a fingerprint of its weights, and what computed them."""
        model = self.model  # first: it says what is missing
        import torch
        import transformers

        from remanence.cache.parts.fingerprint import Identity

        who = Identity.of(model)
        versions = {"torch": torch.__version__, "transformers": transformers.__version__}
        return {"lm": f"{type(model).__name__} {who.weights[:12]} {who.dtype}", "versions": versions}


@dataclass
class CacheMemory:
    """`settings` are the policy's. The name "full" is no policy, but the model with transformers' own cache."""

    form: ClassVar[str] = "cache"

    name: str
    model: Frozen
    settings: Mapping[str, Any] = field(default_factory=dict)

    def policy(self) -> "Policy | None":
        if self.name != FULL:
            policy: Policy = build("cache", self.name, **self.settings)
            return policy
        if self.settings:
            raise BadConfig(f"a model as it is has no settings, got {', '.join(self.settings)}")
        return None

    def about(self) -> dict[str, Any]:
        about, policy = self.model.about, self.policy()
        settings = {} if policy is None else {f.name: getattr(policy, f.name) for f in fields(policy) if f.init}
        return {"settings": settings, **about}

    def subject(self) -> "CacheSubject":
        return CacheSubject(self.model.model, self.policy())

    def usage(self) -> Usage:
        return Usage()


class CacheSubject:
    """One world's past: attached on creation, let go of by `close`."""

    def __init__(self, model: Any, policy: "Policy | None") -> None:
        from transformers.cache_utils import DynamicCache

        self.model, self.policy, self.attached = model, policy, ExitStack()
        if policy is None:
            self.past: Any = DynamicCache(config=model.config)
        else:
            self.past = self.attached.enter_context(policy(model)).cache()
        self.copy: Any = None
        self.next: Tensor | None = None  # [V] logits of the token after the past

    def read(self, ids: Sequence[int]) -> None:
        self.next = self._fed(ids, self.past)

    def rewind(self) -> None:
        self.copy = None  # before the next is made: one at a time
        self.copy = deepcopy(self.past)

    def go_on(self, step: Continue) -> Found:
        return self._told(step) if step.told else self._asked(step)

    def sizes(self) -> dict[str, int]:
        if self.policy is not None:
            return {"bytes": self.past.nbytes}
        tensors = [tensor for layer in self.past.layers for tensor in (layer.keys, layer.values) if tensor is not None]
        return {"bytes": sum(tensor.numel() * tensor.element_size() for tensor in tensors)}

    def close(self) -> None:
        self.attached.close()

    def _asked(self, step: Continue) -> Found:
        attended = self._attended()
        foretold = self._fed(step.ids, self.copy)
        likeliest = foretold.topk(min(step.k, len(foretold))).indices.tolist()
        said = [int(foretold.argmax())]
        while len(said) < len(step.target):
            said.append(int(self._fed(said[-1:], self.copy).argmax()))
        return Found(said=tuple(said), likeliest=tuple(likeliest), attended=attended)

    def _told(self, step: Continue) -> Found:
        import torch

        if self.next is None:
            raise BadConfig("the first token of all is foretold by nothing: read one before it")
        attended = self._attended()
        after = self._heard(step.target, self.past, last=0).log_softmax(-1)
        foretold = torch.cat([self.next.log_softmax(-1)[None], after[:-1]])
        self.next = after[-1]  # a log-softmax of its own log-softmax is itself
        surprise = -foretold.gather(1, torch.tensor(step.target, device=after.device)[:, None])[:, 0]
        return Found(surprise=tuple(surprise.tolist()), attended=attended)

    def _fed(self, ids: Sequence[int], cache: Any) -> "Tensor":
        """[V]: read these tokens, and say how likely each is to come next (logits)."""
        return self._heard(ids, cache, last=1)[-1]

    def _heard(self, ids: Sequence[int], cache: Any, last: int) -> "Tensor":
        """[T, V]: the logits after the last so many tokens of each piece read, 0 for all."""
        import torch

        with torch.inference_mode():
            read = torch.tensor([list(ids)], device=self.model.device)
            how = {"past_key_values": cache, "use_cache": True, "logits_to_keep": last}
            said = [self.model(piece, **how).logits[0, -last:] for piece in read.split(STEP, 1)]
            return torch.cat(said).float()

    def _attended(self) -> int:
        """The most that a query reads of the past as it is now."""
        seen = int(self.past.get_seq_length())
        if self.policy is None:
            return seen
        budgets: list[int] = [
            layer.policy.sinks + layer.policy.local + layer.policy.budget for layer in self.past.memory_layers
        ]
        return min(seen, max(budgets))
