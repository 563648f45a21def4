"""Which contender a name stands for."""

from collections.abc import Mapping, Sequence
from typing import Any

from remanence.bench.base import NOTHING, Contender
from remanence.bench.cache_memory import FULL, CacheMemory, Frozen
from remanence.bench.embedder_alone import EmbedderAlone
from remanence.bench.text_memory import TextMemory
from remanence.registry import FORMS, names

ALL = "all"
MEMORIES = ("text", "cache")  # the forms that `all` means; an embedder alone is no memory and is asked for by name
MODEL = "model"  # the setting that says which frozen model reads


def apart(settings: Mapping[str, Any], said: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of tasks, and those of cache memories.

    Of memories are "top_blocks.blocks" where that memory was said, "cache.local", which is of all of them, and "model",
    the folder of the model that they are attached to.
    """
    heads = {"cache", *(name.rpartition(":")[2] for name in said)}
    of_memories = {key for key in settings if key == MODEL or ("." in key and key.partition(".")[0] in heads)}
    return (
        {key: value for key, value in settings.items() if key not in of_memories},
        {key: settings[key] for key in of_memories},
    )


def contenders(
    said: Sequence[str], forms: Sequence[str], services: Mapping[str, Any], settings: Mapping[str, Any] = NOTHING
) -> list[Contender]:
    """One a name, in the order said and each once. "embed:static" says the form too; "all" is every memory there is.

    A name is looked for in these forms, those that the tasks take; a name that is nowhere is left to the first of
    them, which will say what it knows. `services` are the embedder and the language model that every text memory gets,
    `settings` those of cache memories, as `apart` leaves them.
    """
    wanted: dict[tuple[str, str], None] = {}
    for name in said:
        if name == ALL:
            wanted |= dict.fromkeys((form, each) for form in forms if form in MEMORIES for each in names(form))
        else:
            wanted[_meant(name, forms)] = None
    model = Frozen(str(settings.get(MODEL, "")))
    return [
        CacheMemory(name, model, _of(name, settings)) if form == "cache" else _contender(form, name, services)
        for form, name in wanted
    ]


def _meant(said: str, forms: Sequence[str]) -> tuple[str, str]:
    form, colon, name = said.partition(":")
    if colon and form in FORMS:
        return form, name
    memories = [form for form in forms if form in MEMORIES] or [*MEMORIES]
    return next((form for form in memories if said in names(form)), memories[0]), said


def _contender(form: str, name: str, services: Mapping[str, Any]) -> Contender:
    return EmbedderAlone(name) if form == "embed" else TextMemory(name, **services)


def _of(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of all cache memories, and then what is said of this one. A model as it is is no memory."""
    return {
        setting: value
        for whose in (("cache",) if name != FULL else ()) + (name,)
        for key, value in settings.items()
        for head, _, setting in [key.partition(".")]
        if head == whose and setting
    }
