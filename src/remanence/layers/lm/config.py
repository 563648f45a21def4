"""What a small language model is made of."""

from typing import Any

from transformers import PreTrainedConfig

from remanence.errors import BadConfig


class LMConfig(PreTrainedConfig):
    """`mixer` and `feed_forward` are names of registered layers, with their settings; feed_forward="" leaves it out."""

    model_type = "remanence"

    def __init__(
        self,
        vocab_size: int = 256,
        width: int = 64,
        depth: int = 2,
        mixer: str = "gated_deltanet",
        mixer_settings: dict[str, Any] | None = None,
        feed_forward: str = "",
        feed_forward_settings: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        for name, value in (("vocab_size", vocab_size), ("width", width), ("depth", depth)):
            if value < 1:
                raise BadConfig(f"{name} must be at least 1, got {value}")
        self.vocab_size, self.width, self.depth = vocab_size, width, depth
        self.mixer, self.mixer_settings = mixer, mixer_settings or {}
        self.feed_forward, self.feed_forward_settings = feed_forward, feed_forward_settings or {}
        self.num_hidden_layers, self.hidden_size = depth, width  # as others call them
        kwargs.setdefault("tie_word_embeddings", True)
        super().__init__(**kwargs)
