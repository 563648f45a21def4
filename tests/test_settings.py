"""Where a setting comes from: what stands higher wins, what cannot be is named with its file."""

import os
import tempfile
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from remanence import settings
from remanence.errors import BadConfig
from remanence.settings import HOME, KNOWN, SECRET, URLS, Settings, load

ORDINARY = sorted(set(KNOWN) - {*SECRET, *URLS, "memory"})
SOURCES = ("user", "project", "environment", "flag")  # the last that says something wins


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to stand in, with nothing said anywhere: tmp_path/here, and the user's file is tmp_path/config.toml."""
    nothing_said(tmp_path, monkeypatch)
    return tmp_path / "here"


def nothing_said(folder: Path, patch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("REMANENCE_")]:
        patch.delenv(name)
    patch.setattr(settings.platformdirs, "user_config_path", lambda name: folder)
    patch.setattr(settings.platformdirs, "user_data_path", lambda name: folder / "data")
    (folder / "here" / ".git").mkdir(parents=True)
    patch.chdir(folder / "here")


@budget(max_examples=60, deadline=None)
@given(st.sampled_from(ORDINARY), st.sets(st.sampled_from(SOURCES)), st.booleans())
def test_the_highest_source_that_says_something_wins(name: str, present: set[str], own_file: bool):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder).resolve()
        nothing_said(root, patch)
        project = root / "here" / ("remanence.toml" if own_file else "pyproject.toml")
        origins = {
            "user": str(root / "config.toml"),
            "project": str(project),
            "environment": f"REMANENCE_{name.upper()}",
            "flag": "flag",
        }
        if "user" in present:
            (root / "config.toml").write_text(f'{name} = "by user"')
        if "project" in present:
            project.write_text(f'{"" if own_file else "[tool.remanence]"}\n{name} = "by project"')
        if "environment" in present:
            patch.setenv(origins["environment"], "by environment")
        found = load(**{name: "by flag" if "flag" in present else None})
    winner = next((source for source in reversed(SOURCES) if source in present), None)
    assert getattr(found, name) == (f"by {winner}" if winner else "")
    assert found.origin.get(name) == (origins[winner] if winner else None)
    others = [other for other in KNOWN if other not in (name, "memory")]
    assert not any(getattr(found, other) for other in others)


def test_the_memory_is_in_the_users_data_folder_or_in_home(place, monkeypatch):
    assert load().memory == str(place.parent / "data" / "memory.db")
    assert load().origin["memory"] == "default"
    monkeypatch.setenv(HOME, str(place / "home"))
    assert load().memory == str(place / "home" / "memory.db")
    assert load().origin["memory"] == HOME


def test_a_path_in_a_file_starts_where_the_file_lies(place, monkeypatch):
    (place / "remanence.toml").write_text('memory = "kept/m.db"')
    below = place / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert load().memory == str(place / "kept" / "m.db")
    assert load(memory="mine.db").memory == "mine.db"
    monkeypatch.setenv("REMANENCE_MEMORY", "~/m.db")
    assert load().memory == str(Path.home() / "m.db")


def test_the_nearest_project_file_is_read_and_none_beyond_the_repository(place, monkeypatch):
    inner = place / "inner"
    inner.mkdir()
    (place.parent / "remanence.toml").write_text('user = "outside the repository"')
    monkeypatch.chdir(inner)
    assert load().user == ""
    (place / "pyproject.toml").write_text('[tool.remanence]\nuser = "outer"\napp = "outer"')
    (inner / "pyproject.toml").write_text('[project]\nname = "not about us"')
    assert load().user == "outer"
    (inner / "remanence.toml").write_text('user = "inner"')
    assert (load().user, load().app) == ("inner", "")  # one file, not a mixture
    (inner / "remanence.toml").unlink()
    (inner / "pyproject.toml").write_text('[tool.remanence]\nuser = "inner too"')
    assert (load().user, load().app) == ("inner too", "")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("here/remanence.toml", 'lm_modle = "x"'),
        ("here/pyproject.toml", '[tool.remanence]\nlm_modle = "x"'),
        ("config.toml", 'lm_modle = "x"'),
    ],
)
def test_an_unknown_key_is_named_with_its_file_and_the_nearest_guess(place, file, text):
    (place.parent / file).write_text(text)
    with pytest.raises(BadConfig, match="Did you mean 'lm_model'") as caught:
        load()
    assert str(place.parent / file) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("user = 3", "user must be text in quotes, got 3"),
        ("user = ", "is not TOML"),
        ("[user]\nname = 'x'", "user must be text in quotes"),
        ('origin = "x"', "no setting 'origin'"),
    ],
)
def test_what_cannot_be_is_an_error_that_names_the_file(place, text, why):
    (place / "remanence.toml").write_text(text)
    with pytest.raises(BadConfig, match=why) as caught:
        load()
    assert "remanence.toml" in str(caught.value)


def test_tool_remanence_that_is_no_table_is_an_error(place):
    (place / "pyproject.toml").write_text('[tool]\nremanence = "x"')
    with pytest.raises(BadConfig, match="must be a table"):
        load()


@pytest.mark.parametrize("name", SECRET)
def test_a_project_holds_no_keys_and_the_message_does_not_show_it(place, name):
    (place / "remanence.toml").write_text(f'{name} = "sesame"')
    with pytest.raises(BadConfig, match="does not belong into a project") as caught:
        load()
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("name", URLS)
def test_a_project_sends_memories_nowhere_but_the_user_may(place, name):
    project, user = place / "remanence.toml", place.parent / "config.toml"
    for url in (
        "https://evil.example/v1",
        "evil.example",
        "http://localhost@evil.example",
        "http://evil.example\\@localhost",
        "http://127.0.0.1.evil.example",
        "http://[::1",
    ):
        project.write_text(f"{name} = '{url}'")
        with pytest.raises(BadConfig, match="a project may not send memories to"):
            load()
    for url in ("http://localhost:11434/v1", "http://127.0.0.1:8000", "http://[::1]:8000"):
        project.write_text(f'{name} = "{url}"')
        assert getattr(load(), name) == url
    project.unlink()
    user.write_text(f'{name} = "https://mine.example/v1"')
    assert getattr(load(), name) == "https://mine.example/v1"


@pytest.mark.parametrize("name", SECRET)
def test_a_key_is_never_shown(place, monkeypatch, name):
    monkeypatch.setenv(f"REMANENCE_{name.upper()}", "sesame")
    found = load()
    assert getattr(found, name) == "sesame"
    assert "sesame" not in repr(found)
    assert "sesame" not in str(list(found.shown()))
    assert (name, "(set, not shown)", f"REMANENCE_{name.upper()}") in list(found.shown())


def test_empty_in_the_environment_is_not_said_but_an_empty_flag_is(place, monkeypatch):
    (place / "remanence.toml").write_text('user = "ana"')
    monkeypatch.setenv("REMANENCE_USER", "")
    assert load().user == "ana"
    assert load(user="").user == ""


def test_a_flag_nobody_knows_is_an_error(place):
    with pytest.raises(BadConfig, match="Did you mean 'user'"):
        load(usr="ana")


def test_variables_that_look_like_ours_are_told(place, monkeypatch):
    monkeypatch.setenv("REMANENCE_LM_MODLE", "x")
    monkeypatch.setenv("REMANENCE_LM", "rules")
    monkeypatch.setenv(HOME, "x")
    assert settings.misspelt() == ["REMANENCE_LM_MODLE"]


def test_settings_say_what_a_service_and_a_scope_are(place):
    said = load(lm_model="m", lm_wire="openai", embed_url="u", user="ana", run="7")
    assert said.of("lm") == {"model": "m", "wire": "openai"}
    assert said.of("embed") == {"url": "u"}
    assert said.scope() == {"user": "ana", "run": "7"}


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings().user = "ana"  # type: ignore[misc]


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_can_be_refused(monkeypatch, variable, value):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert settings.colour()
    monkeypatch.setenv(variable, value)
    assert not settings.colour()
