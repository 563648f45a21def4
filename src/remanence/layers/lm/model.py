"""A decoder of blocks [mixer, feed-forward], both any registered layer; the state goes where a cache goes.

    x = x + mixer(norm(x))        y, state = cell(x, state); its short convolution is the cell's own
    x = x + feed_forward(norm(x))

`save_pretrained`, `from_pretrained`, `AutoModelForCausalLM` and `generate` work as for any other model.

Shapes: B batch, T tokens, D width, V vocabulary.
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from remanence.layers.contract.cell import Cell
from remanence.layers.contract.state import State
from remanence.layers.lm.config import LMConfig
from remanence.layers.lm.state_cache import StateCache
from remanence.registry import build

STD = 0.02  # of weights at first


class Block(nn.Module):
    def __init__(self, config: LMConfig) -> None:
        super().__init__()
        self.mixer: Cell[Any] = build("layers", config.mixer, width=config.width, **config.mixer_settings)
        self.mixer_norm = nn.LayerNorm(config.width)
        self.feed_forward: nn.Module | None = None
        if config.feed_forward:
            settings = config.feed_forward_settings
            self.feed_forward = build("layers", config.feed_forward, width=config.width, **settings)
            self.feed_forward_norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor, state: State | None, mask: Tensor | None) -> tuple[Tensor, State]:
        """x [B, T, D]."""
        y, after = self.mixer(self.mixer_norm(x), state, mask=mask)
        x = x + y
        if self.feed_forward is not None:
            x = x + self.feed_forward(self.feed_forward_norm(x))
        return x, after


class LM(PreTrainedModel, GenerationMixin):
    config_class = LMConfig
    base_model_prefix = "lm"
    _tied_weights_keys = {"head.weight": "embed.weight"}  # noqa: RUF012  transformers declares it for instances
    _is_stateful = True  # a state cannot be taken back, so no drafts are tried on it

    def __init__(self, config: LMConfig) -> None:
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.vocab_size, bias=False)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Embedding and projections are small; what a layer set itself otherwise stays."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=STD)

    def get_input_embeddings(self) -> nn.Module:
        return self.embed

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.embed = value  # type: ignore[assignment]

    def get_output_embeddings(self) -> nn.Module:
        return self.head

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        return False

    def hidden(self, ids: Tensor, cache: StateCache | None, mask: Tensor | None) -> tuple[Tensor, StateCache]:
        """ids [B, T] on top of what the cache holds -> what the last norm leaves [B, T, D], and the new cache."""
        x, states = self.embed(ids), []
        for i, block in enumerate(self.blocks):
            x, state = block(x, None if cache is None else cache.states[i], mask)
            states.append(state)
        return self.norm(x), StateCache(tuple(states), ids.shape[1] + (0 if cache is None else cache.seen))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        past_key_values: StateCache | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Logits [B, T, V]. Labels [B, T] are ids, each predicted from those before it; -100 where nothing is asked."""
        mask = None
        if attention_mask is not None:
            mask = attention_mask[:, -input_ids.shape[1] :].bool()
            mask = None if bool(mask.all()) else mask
        x, cache = self.hidden(input_ids, past_key_values, mask)
        logits = self.head(x[:, -logits_to_keep:] if logits_to_keep else x)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        keeps = use_cache if use_cache is not None else not self.training
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=cache if keeps else None)


AutoConfig.register(LMConfig.model_type, LMConfig, exist_ok=True)
AutoModelForCausalLM.register(LMConfig, LM, exist_ok=True)
