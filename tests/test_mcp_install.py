"""`remanence mcp install` for each client, into a home of its own, and what the doctor says of it."""

import json
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from remanence.cli import main
from remanence.cli.parts.clients import CLIENTS
from remanence.settings import KNOWN

pytest.importorskip("mcp")
START = ["-m", "remanence", "mcp", "--memory"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in KNOWN:
        monkeypatch.delenv(f"REMANENCE_{name.upper()}", raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("REMANENCE_HOME", str(tmp_path / "memories"))
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def install(client: str, *words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["mcp", "install", "--client", client, *words])
    assert result.exit_code == code, result.output
    return result


def file_of(client: str, text: str = "") -> Path:
    file = CLIENTS[client].file()
    if text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return file


def servers(client: str) -> dict:
    text = file_of(client).read_text()
    return (tomllib.loads(text) if client == "codex" else json.loads(text))[CLIENTS[client].table]


OTHER = {"other": {"command": "x", "args": ["ü"]}}
OTHERS = {name: json.dumps({"theme": "dark", CLIENTS[name].table: OTHER}, indent=4) for name in CLIENTS}
OTHERS["codex"] = """# mine
model = "o9"  # the best

[mcp_servers.other]
command = "x"
args = ["ü"]

[profiles.p]
x = 1
"""


@pytest.mark.parametrize("client", CLIENTS)
def test_it_begins_a_file_with_whole_paths(client: str, home: Path) -> None:
    install(client)
    entry = servers(client)["remanence"]
    assert entry["command"] == sys.executable
    assert entry["args"] == [*START, str(home / "memories" / "memory.db")]
    assert file_of(client).is_relative_to(home)
    assert file_of(client).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_it_keeps_what_else_is_there_and_a_copy_of_it(client: str) -> None:
    file = file_of(client, OTHERS[client])
    file.chmod(0o640)
    install(client)
    assert servers(client).keys() == {"other", "remanence"}
    assert servers(client)["other"] == {"command": "x", "args": ["ü"]}
    assert file.stat().st_mode & 0o777 == 0o640
    copies = [found for found in file.parent.iterdir() if found.name.startswith(f"{file.name}.bak")]
    assert [copy.read_text() for copy in copies] == [OTHERS[client]]
    if client == "codex":
        assert file.read_text().startswith(OTHERS["codex"].rstrip())
    else:
        assert json.loads(file.read_text())["theme"] == "dark"
    assert not [found for found in file.parent.iterdir() if found.name.startswith(f".{file.name}.")]


@pytest.mark.parametrize("client", CLIENTS)
def test_twice_is_once_and_another_memory_takes_its_place(client: str) -> None:
    file_of(client, OTHERS[client])
    install(client)
    once = file_of(client).read_text()
    assert "already" in install(client).output
    assert file_of(client).read_text() == once
    assert len(list(file_of(client).parent.glob(f"{file_of(client).name}.bak*"))) == 1
    install(client, "--memory", "mine.db", "--tools", "full", "--user", "ana")
    args = servers(client)["remanence"]["args"]
    assert args == [*START, str(Path("mine.db").absolute()), "--user", "ana", "--tools", "full"]
    assert servers(client).keys() == {"other", "remanence"}
    assert len(list(file_of(client).parent.glob(f"{file_of(client).name}.bak*"))) == 2


@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_added_to_our_entry_stays(client: str) -> None:
    table = CLIENTS[client].table
    entry = {"command": "old", "args": ["a"], "env": {"A B": 'x"y'}}
    by_hand = {name: json.dumps({table: {"remanence": entry}}) for name in CLIENTS}
    ours = '[mcp_servers.remanence]\ncommand = "old"\n[mcp_servers.remanence.env]\n"A B" = "x\\"y"\n'
    by_hand["codex"] = ours + "[a]\nb = 1\n"
    file_of(client, by_hand[client])
    install(client)
    assert servers(client)["remanence"]["env"] == {"A B": 'x"y'}
    assert servers(client)["remanence"]["command"] == sys.executable
    if client == "codex":
        assert tomllib.loads(file_of(client).read_text())["a"] == {"b": 1}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("broken", ["{ // mine\n}", "[1, 2", "[]", '{"%s": [1]}', "%s = 3"])
def test_a_file_that_cannot_be_read_is_left_alone(client: str, broken: str) -> None:
    text = broken % CLIENTS[client].table if "%s" in broken else broken
    if client == "codex" and broken == "[]":
        text = "x = "
    file = file_of(client, text)
    said = install(client, code=1).output
    assert "left as it" in said.replace("\n", " ")
    assert str(file) in said
    assert file.read_text() == text
    assert [found.name for found in file.parent.iterdir() if file.name in found.name] == [file.name]


def test_toml_that_cannot_be_added_to_is_left_alone() -> None:
    text = 'mcp_servers = { other = { command = "x" } }\n'
    file = file_of("codex", text)
    assert "left as it" in install("codex", code=1).output.replace("\n", " ")
    assert file.read_text() == text


def test_what_is_no_text_is_left_alone() -> None:
    file = file_of("cursor", "{}")
    file.write_bytes(b"\xff{}")
    assert "left as it" in install("cursor", code=1).output
    assert file.read_bytes() == b"\xff{}"


def test_a_link_stays_a_link(home: Path) -> None:
    real = home / "dotfiles.json"
    real.write_text("{}")
    file_of("claude-code").symlink_to(real)
    install("claude-code")
    assert file_of("claude-code").is_symlink()
    assert "remanence" in json.loads(real.read_text())["mcpServers"]


@pytest.mark.parametrize("client", CLIENTS)
def test_printing_writes_nothing(client: str, home: Path) -> None:
    before = sorted(home.rglob("*"))
    text = install(client, "--print").output
    written = tomllib.loads(text) if client == "codex" else json.loads(text)
    assert written[CLIENTS[client].table]["remanence"]["command"] == sys.executable
    assert sorted(home.rglob("*")) == before
    data = json.loads(install(client, "--print", "--json").output)["data"]
    assert data["entry"] == written[CLIENTS[client].table]["remanence"]


def test_keys_are_named_and_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMANENCE_LM_KEY", "sesame")
    monkeypatch.setenv("REMANENCE_LM_MODEL", "m")
    said = install("cursor").output
    assert "lm_key" in said and "sesame" not in said
    text = file_of("cursor").read_text()
    assert "sesame" not in text and '"--lm-model"' in text


def test_a_profile_nobody_knows_is_said_before_anything_is_written() -> None:
    assert "Did you mean 'full'" in install("cursor", "--tools", "ful", code=1).output
    assert not file_of("cursor").exists()


def mcp_check() -> dict:
    result = CliRunner().invoke(main, ["doctor", "--json", "--embed", "hashing"])
    (check,) = [check for check in json.loads(result.output)["data"]["checks"] if check["name"] == "mcp"]
    return check


def test_the_doctor_tells_who_starts_it_and_who_cannot() -> None:
    assert mcp_check()["state"] == "ok"
    install("codex")
    install("cursor")
    assert mcp_check()["state"] == "ok"
    assert "cursor starts it; codex starts it" in mcp_check()["detail"]
    file_of("cursor", json.dumps({"mcpServers": {"remanence": {"command": "/nowhere/python"}}}))
    assert mcp_check()["state"] == "fail" and "cursor starts '/nowhere/python'" in mcp_check()["detail"]
    file_of("cursor", "{ broken")
    assert mcp_check()["state"] == "fail"
    file_of("cursor", json.dumps({"mcpServers": {"remanence": {"url": "http://127.0.0.1:8765/mcp"}}}))
    assert mcp_check()["state"] == "ok"
