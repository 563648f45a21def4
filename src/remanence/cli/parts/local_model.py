"""A model in this process, and the memory that is attached to it."""

from pathlib import Path
from typing import Any

from remanence.errors import BadInput, MissingExtra


def model_and_tokenizer(name: str) -> tuple[Any, Any]:
    """From a folder, or from where transformers keeps what it downloads."""
    _needed()
    import transformers

    said: Any = transformers.logging
    said.set_verbosity_error()
    said.disable_progress_bar()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name)
        model: Any = transformers.AutoModelForCausalLM.from_pretrained(name, dtype="auto")
    except (OSError, ValueError) as error:
        raise BadInput(f"no model could be loaded from {name!r}: {error}") from error
    return model.eval(), tokenizer


def memory_of(name: str, settings: dict[str, Any]) -> Any:
    """A cache memory by its name."""
    _needed()
    from remanence.registry import build

    return build("cache", name, **settings)


def memory_of_file(path: Path) -> Any:
    """The one that a file was read with."""
    _needed()
    from remanence.cache.parts.stored import saved_by
    from remanence.registry import load, names

    settings = saved_by(path)
    kind = settings.pop("policy")
    for name in names("cache"):
        if load("cache", name).__name__ == kind:
            return memory_of(name, settings)
    raise BadInput(f"{path} was read with {kind}, which has no name here; load it from Python")


def _needed() -> None:
    try:
        import torch  # noqa: F401 - only whether it is there
        import transformers  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra(f"a local model needs {error.name}: pip install 'remanence[cache]', torch first") from None
