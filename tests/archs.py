"""Tiny models of many architectures, built from a config: random weights, no download.

Weights are drawn wide: as transformers would draw them, attention is so flat that a wrong one changes next to nothing.
"""

from functools import cache
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel

WINDOW = 16  # tokens, of the layers that look back a window only
BASE: dict[str, Any] = {
    "vocab_size": 256, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 4096, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
MIXED = ["sliding_attention", "full_attention"]
HEAD, MOE = {"head_dim": 16}, {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
ORIGINAL = {"original_max_position_embeddings": 512}


def scaled(rope_type: str, **more: Any) -> dict[str, Any]:
    return {"rope_scaling": {"rope_type": rope_type, "factor": 8.0, "rope_theta": 1e4, **more}}


# name: (what transformers calls it, what its config has beside BASE)
SPECS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {}),
    "llama one kv head": ("Llama", {"num_key_value_heads": 1}),
    "llama a kv head each": ("Llama", {"num_key_value_heads": 4}),
    "llama3 rope": ("Llama", scaled("llama3", low_freq_factor=1.0, high_freq_factor=4.0, **ORIGINAL)),
    "llama linear rope": ("Llama", scaled("linear")),
    "llama yarn rope": ("Llama", scaled("yarn", **ORIGINAL)),
    "llama dynamic rope": ("Llama", scaled("dynamic")),
    "qwen2": ("Qwen2", {}),
    "qwen3": ("Qwen3", HEAD),
    "qwen3 moe": ("Qwen3Moe", HEAD | MOE),
    "mistral": ("Mistral", {"sliding_window": None}),
    "mistral window": ("Mistral", {"sliding_window": WINDOW}),
    "mixtral": ("Mixtral", {"num_local_experts": 4}),
    "gemma": ("Gemma", HEAD),
    "gemma2": ("Gemma2", HEAD | {"sliding_window": WINDOW, "query_pre_attn_scalar": 16}),
    "gemma3": ("Gemma3", HEAD | {"sliding_window": WINDOW, "query_pre_attn_scalar": 16, "layer_types": MIXED}),
    "phi": ("Phi", {}),
    "phi3": ("Phi3", {}),
    "phi3 longrope": (
        "Phi3",
        scaled("longrope", short_factor=[1.1] * 8, long_factor=[4.0] * 8, **ORIGINAL) | ORIGINAL,
    ),
    "olmo2": ("Olmo2", {}),
    "cohere": ("Cohere", {}),
    "cohere2": ("Cohere2", {"sliding_window": WINDOW, "layer_types": MIXED}),
    "glm": ("Glm", HEAD),
    "glm4": ("Glm4", HEAD),
    "stablelm": ("StableLm", {}),
    "granite": ("Granite", {}),
    "smollm3": ("SmolLM3", {"no_rope_layers": [1, 0]}),
    "gpt neox": ("GPTNeoX", {"num_key_value_heads": None, "rotary_pct": 0.25}),
    "starcoder2": ("Starcoder2", {}),
    "gpt oss": ("GptOss", HEAD | {"sliding_window": WINDOW, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "exaone4": ("Exaone4", {"sliding_window": WINDOW, "layer_types": MIXED}),
    "olmo3": ("Olmo3", {"sliding_window": WINDOW, "layer_types": MIXED}),
}
REFUSES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama4": ("Llama4", {"layer_types": ["chunked_attention", "full_attention"]}),
    "deepseek v3": ("DeepseekV3", {"num_key_value_heads": 4}),
    "gpt2": ("GPT2", {}),
    "bloom": ("Bloom", {}),
    "qwen3 next": ("Qwen3Next", HEAD | {"layer_types": ["linear_attention", "full_attention"]}),
}
TEXT = ("Gemma3", "Llama4")  # their bare names are of models that also see
EAGER = ("gemma2", "gpt oss")  # soft caps and sinks: no other implementation does them exactly
BEFORE_5 = int(transformers.__version__.split(".")[0]) < 5
# Two rotary modules, or a dictionary of them, or attention of their own: refused there. Phi 3's settings were others.
SINCE_5 = ("gemma3", "olmo3", "stablelm", "phi3 longrope") if BEFORE_5 else ()
KNOWN = [n for n, (kind, _) in SPECS.items() if n not in SINCE_5 and hasattr(transformers, f"{kind}ForCausalLM")]
REFUSED = [*REFUSES, *SINCE_5[:3]]


@cache
def tiny(name: str) -> PreTrainedModel:
    """One of SPECS or REFUSES; shared, so leave it as it was."""
    kind, extra = (SPECS | REFUSES)[name]
    settings = {k: v for k, v in (BASE | extra).items() if v is not None or k == "sliding_window"}
    config = getattr(transformers, kind + ("TextConfig" if kind in TEXT else "Config"))(**settings)
    config._attn_implementation = "eager" if name in EAGER or name in REFUSES else "sdpa"
    torch.manual_seed(0)
    model = getattr(transformers, "GPT2LMHeadModel" if kind == "GPT2" else f"{kind}ForCausalLM")(config)
    for weight in model.parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.15)
    return model.eval()


def state(model: PreTrainedModel) -> dict[str, Any]:
    """What a memory could leave behind in a model: attributes, hooks, the choice of attention."""
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_with_kwargs", "_forward_pre_hooks_with_kwargs")
    modules = {
        name: (sorted(vars(module)), type(module).forward, [len(getattr(module, hook)) for hook in hooks])
        for name, module in model.named_modules()
    }
    return {"modules": modules, "attention": model.config._attn_implementation}
