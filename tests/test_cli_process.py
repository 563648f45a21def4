"""The command line as a real process: exit codes, pipes, terminals, completion, and what is imported when."""

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

import remanence
from remanence.settings import KNOWN

PROGRAM = [sys.executable, "-c", "from remanence.cli import main; main()"]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a default memory of two events, and nothing said in the environment but that."""
    for name in [name for name in os.environ if name.startswith("REMANENCE_") or name in ("NO_COLOR", "COLUMNS")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("REMANENCE_HOME", str(tmp_path))
    monkeypatch.setenv("REMANENCE_EMBED", "hashing")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHONPATH", str(Path(remanence.__file__).parents[1]))
    monkeypatch.setenv("TERM", "xterm")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    with remanence.open(tmp_path / "memory.db", embed="hashing") as memory:
        memory.add("I moved to Lisbon in March.", at="2024-04-02", speaker="Ana")
        memory.add("A \x1b[31mred\x1b[0m house with " + "very " * 30 + "many rooms.", at="2024-05-02", speaker="Ben")
    return tmp_path


def program(*words: str, input: str | None = None, **how) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *words], input=input or "", capture_output=True, text=True, check=False, **how)


def on_a_terminal(*words: str, typed: str = "", columns: int = 60, **env: str) -> tuple[int, str]:
    """Run with a terminal for everything; the exit code and what the terminal shows."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*PROGRAM, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": str(columns), **env},
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            some = os.read(ours, 4096)
        except OSError:  # the last who had it open is gone
            break
        shown += some
    os.close(ours)
    return child.wait(30), shown.decode().replace("\r\n", "\n")


def test_exit_codes_and_streams(place):
    for words, code in (
        (["status"], 0),
        (["papers", "--form", "x"], 1),
        (["search"], 2),
        (["get", "ffff"], 3),
        (["erase", "--everything"], 4),
    ):
        ran = program(*words)
        assert ran.returncode == code, (words, ran)
        assert bool(ran.stderr) == (code != 0)
        assert "Traceback" not in ran.stderr


def test_a_language_model_that_is_away_is_code_5_and_an_envelope(place):
    refused = ["--lm-model", "m", "--lm-url", "http://127.0.0.1:1/v1"]
    code = (
        "import remanence.lm.wire.transport, time; time.sleep = lambda s: None; from remanence.cli import main; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "ask", "Where?", "--json", *refused], capture_output=True, text=True, check=False
    )
    if "MissingExtra" in ran.stdout:
        pytest.skip("needs httpx2")
    assert ran.returncode == 5, ran
    assert json.loads(ran.stdout)["error"]["kind"] == "Unavailable"
    assert ran.stderr == ""


def test_what_one_command_prints_another_reads(place):
    lines = "".join(json.dumps({"text": f"Event {i}.", "at": "2024-06-01"}) + "\n" for i in range(3))
    assert program("add", "-", "--jsonl", input=lines).stdout == "3 added, 0 known already\n"
    exported = program("export", "-").stdout
    assert program("import", "-", "-m", "other.db", input=exported).returncode == 0
    assert json.loads(program("status", "--json", "-m", "other.db").stdout)["data"]["events"] == 5


def test_a_reader_that_leaves_early_is_no_error_message(place):
    """The pipe is full and then broken while the command still writes."""
    lines = "".join(json.dumps({"text": f"{i} " + "word " * 400, "at": "2024-06-01"}) + "\n" for i in range(200))
    program("add", "-", "--jsonl", input=lines)
    child = subprocess.Popen(
        [*PROGRAM, "search", "word", "-k", "200"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stderr is not None
    child.stdout.read(10)
    child.stdout.close()
    assert child.stderr.read() == ""
    child.stderr.close()
    assert child.wait(30) in (0, 1)


def test_a_terminal_gets_a_table_that_fits_and_cannot_be_commanded(place):
    code, shown = on_a_terminal("search", "Lisbon house", "--speaker", "Ben", "--speaker", "Ana")
    assert code == 0
    head, *rows = shown.splitlines()
    assert head.startswith("\x1b[1mscore")
    assert "\x1b[31m" not in shown
    assert "�[31mred" in shown
    assert max(map(len, rows)) <= 60
    assert sum("very" in row for row in rows) > 1  # broken into lines, not cut
    assert "many rooms." in " ".join(shown.split())
    assert "\x1b[31m" not in on_a_terminal("context", "red house")[1]
    _, plain = on_a_terminal("search", "Lisbon", NO_COLOR="1")
    assert "\x1b" not in plain


def test_a_pipe_gets_lines_without_a_head(place):
    first, *_ = program("search", "Lisbon March").stdout.splitlines()
    assert first.split("\t")[1:4] == ["2024-04-02", "Ana", "I moved to Lisbon in March."]


def test_what_destroys_asks_on_a_terminal(place):
    code, shown = on_a_terminal("erase", "--everything", typed="n\n")
    assert (code, "Erase 2 events" in shown) == (4, True)
    assert "events\t2" in program("status").stdout
    code, shown = on_a_terminal("erase", "--everything", typed="y\n")
    assert (code, "2 events were erased" in shown) == (0, True)
    assert "events\t0" in program("status").stdout


def test_nothing_found_is_said_to_people_only(place):
    assert "nothing was found" in on_a_terminal("search", "x", "--speaker", "Nobody")[1]
    ran = program("search", "x", "--speaker", "Nobody")
    assert (ran.stdout, ran.stderr) == ("", "")


def test_progress_is_shown_on_a_terminal_only(place):
    Path("in.jsonl").write_text("".join(f'{{"text": "Event {i}.", "at": "2024-06-01"}}\n' for i in range(50)))
    assert "importing in.jsonl" in on_a_terminal("import", "in.jsonl", "-m", "a.db")[1]
    assert program("import", "in.jsonl", "-m", "b.db").stderr == ""


@pytest.mark.parametrize(
    ("words", "offered"),
    [("remanence se", "search"), ("remanence im", "import"), ("remanence search --be", "--between")],
)
def test_the_shell_completes_commands_and_options(place, words, offered):
    asked = {"_REMANENCE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    ran = program(env={**os.environ, **asked})
    assert offered in [line.split(",")[1] for line in ran.stdout.splitlines()]


def imported_by(*words: str) -> set[str]:
    code = f"""
import sys
from remanence.cli import main
main({list(words)!r}, standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stderr.split())


def test_help_imports_no_command_and_nothing_heavy(place):
    loaded = imported_by("--help")
    assert not {"numpy", "sqlite3", "httpx2", "remanence.memory", "remanence.settings", "platformdirs"} & loaded
    files = {f"remanence.cli.{file.stem}" for file in Path(remanence.__file__).parent.glob("cli/[!_]*.py")}
    assert files
    assert not files & loaded


def test_the_help_of_a_command_imports_that_command_alone(place):
    loaded = imported_by("search", "--help")
    assert "remanence.cli.search" in loaded
    assert not {"numpy", "sqlite3", "remanence.memory", "remanence.cli.add"} & loaded


def test_a_search_loads_no_network_code(place):
    assert not {"httpx2", "asyncio", "torch", "remanence.lm.chat"} & imported_by("search", "Lisbon")


def test_settings_are_said_the_same_way_everywhere(place):
    """Each setting is an option, except keys."""
    told = program("--help").stdout
    options = {f"--{name.replace('_', '-')}" for name in KNOWN}
    assert {option for option in options if option + " " not in told} == {"--lm-key", "--embed-key"}
