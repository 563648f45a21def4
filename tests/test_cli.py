"""What the commands do, and the one envelope their --json answers in. Programs in a pipe: test_cli_process.py."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import remanence
from remanence import settings
from remanence.cli import main
from remanence.cli.parts.group import FOLDER
from remanence.errors import BadConfig, LMError, NotFound, ReadOnly, Unavailable
from remanence.local import Local

COMMANDS = main.list_commands(click.Context(main))
SAID = (  # what the memory of most tests holds
    {"text": "I moved to Lisbon in March.", "at": "2024-04-02", "speaker": "Ana", "user": "ana", "session": "day 1"},
    {
        "text": "The violin lesson is on Tuesday.",
        "at": "2024-05-07",
        "speaker": "Ben",
        "user": "ana",
        "session": "day 2",
    },
    {
        "text": "Lisbon has a violin maker.",
        "at": "2024-06-01",
        "speaker": "Ana",
        "user": "ben",
        "channel": "tool",
        "meta": {"n": 3},
    },
)
LISBON, LESSON, MAKER = (said["text"] for said in SAID)


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No settings but ours, and a default memory of our own."""
    for name in settings.KNOWN:
        monkeypatch.delenv(f"REMANENCE_{name.upper()}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))  # whose programs start no server of ours
    monkeypatch.setenv("REMANENCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REMANENCE_EMBED", "hashing")
    monkeypatch.setattr(settings.platformdirs, "user_config_path", lambda name: tmp_path / "config")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with a memory that has SAID in it."""
    folder = tmp_path_factory.mktemp("made")
    with remanence.open(folder / "memory.db", embed="hashing") as memory:
        for said in SAID:
            memory.add(**said)
    return folder


@pytest.fixture
def path(tmp_path, made) -> Path:
    """The default memory: a copy of it."""
    shutil.copytree(made, tmp_path / "home")
    return tmp_path / "home" / "memory.db"


def run(*words: object, input: str | bytes | None = None, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words], input=input)
    assert result.exit_code == code, (words, result.output, result.exception)
    return result


def data(*words: object, input: str | None = None) -> dict:
    """What a command answers with --json, its envelope checked."""
    result = run(*words, "--json", input=input)
    assert result.stderr == ""
    envelope = checked(result)
    assert envelope["command"] == words[0]
    return envelope["data"]


def checked(result: Result) -> dict:
    """The envelope as docs/cli.md has it: one line; ok exactly when the exit code is 0."""
    (line,) = result.stdout.splitlines()
    envelope = json.loads(line)
    assert envelope["ok"] is (result.exit_code == 0)
    if envelope["ok"]:
        assert envelope.keys() == {"ok", "command", "data"}
        assert envelope["command"] in COMMANDS
        assert isinstance(envelope["data"], dict)
    else:
        assert {"ok", "error"} <= envelope.keys() <= {"ok", "error", "command", "data"}
        assert {"kind", "message"} <= envelope["error"].keys() <= {"kind", "message", "hint"}
        assert all(isinstance(said, str) and said for said in envelope["error"].values())
    return envelope


def texts(found: dict) -> set[str]:
    return {hit["text"] for hit in found["hits"]}


def dump(path: Path) -> list[str]:
    """Everything in the file, as SQL."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


# -- every command -----------------------------------------------------------------------------------------------------

EVERY = {  # a way to run each command that succeeds
    "add": ["A new thing.", "--at", "2024-07-01"],
    "ask": ["Who has a violin maker?"],
    "bench": [],
    "cache": [],
    "consolidate": [],
    "context": ["Lisbon"],
    "doctor": [],
    "erase": ["--session", "day 1", "--yes"],
    "export": ["out.jsonl"],
    "forget": ["RECORD", "--yes"],
    "get": ["RECORD"],
    "history": [],
    "import": ["in.jsonl"],
    "keys": [],
    "mcp": [],  # nobody speaks, and it ends
    "papers": [],
    "rebuild": ["--method", "words", "--yes"],
    "report": ["rows.jsonl", "-o", "report.html"],
    "search": ["Lisbon"],
    "serve": ["--help"],  # it would not end; test_serve_process.py
    "status": [],
    "train": [],
    "undo": ["1"],
}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "serve"])
def test_every_command_answers_with_the_envelope(path, name):
    Path("in.jsonl").write_text('{"text": "Imported.", "at": "2024-01-01"}\n')
    shutil.copy(Path(__file__).parent / "data" / "rows.jsonl", "rows.jsonl")
    with remanence.open(path, embed="hashing") as memory:
        record = next(memory.records()).id
    data(name, *(record if word == "RECORD" else word for word in EVERY[name]))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_begins_with_its_line_in_the_list(name):
    usage, first, *_ = run(name, "--help").output.split("\n\n")
    assert usage.startswith(f"Usage: remanence {name} ")
    assert f"{name} {' '.join(first.split())} " in " ".join(run("--help").output.split()) + " "


NEW = {"add", "import", "keys", "mcp", "serve"}  # these may begin a memory
APART = {"papers", "bench", "cache", "doctor", "report", "train"}  # these need none


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - NEW - APART))
def test_a_memory_that_is_not_there_is_not_an_empty_one(tmp_path, name):
    words = [name, *("abc" if word == "RECORD" else word for word in EVERY[name])]
    envelope = checked(run(*words, "--json", code=3))
    assert envelope["error"]["kind"] == "NotFound"
    assert str(tmp_path / "home" / "memory.db") in envelope["error"]["message"]
    assert not (tmp_path / "home").exists()


def test_the_commands_are_the_files_of_the_folder():
    assert {file.stem.removesuffix("_") for file in FOLDER.glob("[!_]*.py")} == set(COMMANDS)
    assert "import" in COMMANDS


def test_documentation_names_every_command_and_setting():
    text = (Path(__file__).parent.parent / "docs" / "cli.md").read_text()
    for name in COMMANDS:
        assert f"`remanence {name}" in text or f"\nremanence {name}" in text, name
    for name in settings.KNOWN:
        assert f"`{name}`" in text, name


# -- settings and options ----------------------------------------------------------------------------------------------


def test_options_of_the_group_may_stand_before_or_after_and_the_later_counts(path):
    assert texts(data("search", "violin", "--user", "ben")) == {MAKER}
    before = checked(run("--user", "ben", "--json", "search", "violin"))
    assert texts(before["data"]) == {MAKER}
    both = checked(run("--user", "ben", "search", "violin", "--user", "ana", "--json"))
    assert LESSON in texts(both["data"])
    assert MAKER not in texts(both["data"])


def test_the_scope_comes_from_the_settings_too(path, monkeypatch):
    monkeypatch.setenv("REMANENCE_USER", "ben")
    assert texts(data("search", "violin")) == {MAKER}
    assert len(texts(data("search", "violin", "--user", ""))) == 3
    (event,) = data("add", "Another violin.", "--at", "2024-07-02")["ids"]
    assert data("get", event)["user"] == "ben"


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--speaker", "Ben"], {LESSON}),
        (["--speaker", "Ben", "--speaker", "Ana"], 3),
        (["--session", "day 2"], {LESSON}),
        (["--channel", "tool"], {MAKER}),
        (["--meta", "n=3"], {MAKER}),
        (["--meta", 'n="3"'], set()),
        (["--kind", "nothing"], set()),
        (["--between", "2024-05-01", "2024-06-01"], {LESSON}),
        (["--as-of", "2024-05-08"], {LISBON, LESSON}),
        (["--user", "ana"], {LISBON, LESSON}),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
@pytest.mark.parametrize("name", ["search", "context"])
def test_filters_narrow_what_is_recalled(path, name, words, left):
    found = texts(data(name, "violin", *words))
    assert len(found) == left if isinstance(left, int) else found == left


def test_k_is_how_many_at_most(path):
    assert [len(data("search", "violin", "-k", k)["hits"]) for k in (1, 2, 9)] == [1, 2, 3]


def test_the_filters_of_ask_reach_the_memory(path, monkeypatch):
    asked = []
    monkeypatch.setattr(Local, "search", lambda self, question, k, **how: asked.append((k, how)) or [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("remanence.lm.rules.Rules.answer", lambda self, q, m: remanence.lm.base.Answer("yes"))
        data("ask", "violin?", "-k", 3, "--speaker", "Ana", "--now", "2024-06-02")
    assert asked == [(3, {"now": "2024-06-02", "speakers": ("Ana",)})]


def test_now_is_what_yesterday_is_seen_from(path):
    best = [
        data("search", "what was yesterday", "--now", now)["hits"][0]["text"] for now in ("2024-04-03", "2024-06-02")
    ]
    assert best == [LISBON, MAKER]


def test_meta_that_is_no_pair_is_refused(path):
    assert "KEY=VALUE, got 'x'" in run("search", "a", "--meta", "x", code=1).stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--method", "hybird"], "Did you mean 'hybrid'"),
        (["--lm", "chta"], "Did you mean 'chat'"),
        (["--embed", "statci"], "Did you mean 'static'"),
        (["--lm", "chat", "--lm-model", "m"], "'chat' needs lm_url"),
        (["--lm-model", "m"], "'chat' needs lm_url"),  # a model named means chat, and never silently the rules
        (["--embed-url", "http://127.0.0.1:1", "--embed", ""], "'http' needs embed_model"),
        (["--embed-url", "http://127.0.0.1:1"], "'hashing' takes no embed_url"),  # a flag is never passed over
    ],
)
def test_services_that_cannot_be_built_say_what_is_missing(path, flags, message):
    assert message in run("search", "x", *flags, code=1).stderr


def test_a_broken_configuration_stops_every_command_but_the_doctor(path, tmp_path):
    (tmp_path / "remanence.toml").write_text('usre = "ana"')
    assert "Did you mean 'user'" in run("search", "x", code=1).stderr
    told = checked(run("doctor", "--json", code=1))
    assert [c["state"] for c in told["data"]["checks"] if c["name"] == "settings"] == ["fail"]


# -- reading -----------------------------------------------------------------------------------------------------------


def test_search_tells_score_date_speaker_text_and_id_a_line_each(path):
    hit = data("search", "violin lesson Tuesday")["hits"][0]
    first = run("search", "violin lesson Tuesday").stdout.split("\n")[0].split("\t")
    assert first == [f"{hit['score']:.3f}", "2024-05-07", "Ben", LESSON, hit["id"]]


def test_what_has_several_lines_is_one_line_in_a_pipe(path):
    data("add", "one\ttwo\nthree", "--at", "2024-01-01", "--speaker", "Cy")
    (line,) = run("search", "three", "--speaker", "Cy").stdout.splitlines()
    assert line.split("\t")[3] == "one two three"


def test_search_shows_why_and_where_from(path):
    hit = data("search", "violin lesson Tuesday")["hits"][0]
    *_, why, sources = run("search", "violin lesson Tuesday", "--why", "--sources").stdout.split("\n")[0].split("\t")
    assert why == " ".join(f"{signal}={value:.3f}" for signal, value in hit["why"].items())
    assert sum(hit["why"].values()) == pytest.approx(hit["score"], rel=1e-3, abs=1e-4)
    ((event, start, end),) = hit["sources"]
    assert sources == f"{event}:{start}-{end}"
    assert data("get", event)["text"][start:end] == LESSON


def test_context_is_the_text_for_a_prompt_within_its_tokens(path):
    whole = data("context", "Lisbon violin")
    assert run("context", "Lisbon violin").stdout == whole["text"] + "\n"
    small = data("context", "Lisbon violin", "--tokens", "35")
    assert 0 < small["tokens"] <= 35 < whole["tokens"]


def test_ask_answers_and_cites(path):
    told = data("ask", "Who has a violin maker?")
    assert told["answer"]
    assert MAKER in texts(told)
    assert told["answer"] in run("ask", "Who has a violin maker?").stdout


def test_get_takes_the_beginning_of_an_id(path):
    hit = data("search", "Tuesday")["hits"][0]
    assert data("get", hit["id"][:10])["text"] == hit["text"]
    assert "text\tThe violin lesson is on Tuesday." in run("get", hit["id"][:10]).stdout
    assert checked(run("get", "ffffffffffff", "--json", code=3))["error"]["kind"] == "NotFound"


def test_history_shows_the_last_changes_and_what_was_added(path):
    every = data("history")
    n = len(every["ops"])
    assert [op["id"] for op in every["ops"]] == list(range(1, n + 1))
    assert n > len(SAID)  # turns, and the facts in them
    last = data("history", "--limit", "1")
    assert (last["ops"], last["earlier"]) == (every["ops"][-1:], n - 1)
    assert run("history", "--limit", "1").stdout.rstrip().endswith(MAKER)
    assert len(data("history", "--limit", "0")["ops"]) == n
    turn = every["ops"][0]
    assert turn in data("history", turn["record"])["ops"]


def test_status_counts(path):
    assert data("status")["events"] == 3
    assert "events\t3\n" in run("status").stdout


def test_papers_can_be_narrowed(path):
    every, text = data("papers")["papers"], data("papers", "--form", "text")["papers"]
    assert {row["form"] for row in text} == {"text"}
    assert 0 < len(text) < len(every)
    built = data("papers", "--built")
    assert len(built["papers"]) == built["built"] < len(every)
    assert "Did you mean 'text'" in run("papers", "--form", "texts", code=1).stderr


def test_reading_writes_nothing(path):
    before = dump(path)
    for words in (["get", "RECORD"], ["history"], ["status"], ["doctor"], ["export", "x.jsonl"]):
        run(*(data("history")["ops"][0]["record"] if word == "RECORD" else word for word in words))
    assert dump(path) == before


def test_reading_waits_for_nobody_who_writes(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for words in (["get", "RECORD"], ["history"], ["status"], ["doctor"], ["export", "x.jsonl"]):
            run(*(data("history")["ops"][0]["record"] if word == "RECORD" else word for word in words))


def test_what_may_not_be_written_to_can_be_searched(path, monkeypatch):
    monkeypatch.setattr("os.access", lambda place, how: False)
    opened = []
    real = remanence.open
    monkeypatch.setattr(remanence, "open", lambda *where, **how: opened.append(how["read_only"]) or real(*where, **how))
    for words in (["search", "Lisbon"], ["context", "Lisbon"], ["ask", "Who has a violin maker?"]):
        data(*words)
    assert opened == [True] * 3


# -- writing -----------------------------------------------------------------------------------------------------------


def test_add_keeps_all_that_is_said_of_it():
    about = ["--at", "2024-02-03", "--speaker", "Ana", "--role", "user", "--session", "s", "--channel", "tool"]
    told = data("add", "Hello.", *about, "--meta", "a=1", "--meta", "b=x", "--agent", "bot", "--run", "7", "--app", "z")
    event = data("get", told["ids"][0])
    assert event.items() >= {
        "text": "Hello.", "at": "2024-02-03T00:00:00+00:00", "speaker": "Ana", "role": "user", "session": "s",
        "channel": "tool", "meta": {"a": 1, "b": "x"}, "agent": "bot", "run": "7", "app": "z",
    }.items()  # fmt: skip
    again = data(
        "add", "Hello.", *about, "--meta", "a=1", "--meta", "b=x", "--agent", "bot", "--run", "7", "--app", "z"
    )
    assert (again["new"], again["known"], again["ids"]) == (0, 1, told["ids"])


def test_a_new_folder_is_private(tmp_path):
    data("add", "Hello.")
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0


def test_add_reads_standard_input():
    told = data("add", "-", "--at", "2024-01-01", input="two\nlines é\n")
    assert data("get", told["ids"][0])["text"] == "two\nlines é\n"
    assert "not UTF-8" in run("add", "-", input=b"\xff\xfe\xfa", code=1).stderr
    assert "needs text" in run("add", "-", input="", code=1).stderr


def test_add_reads_lines_of_json_with_options_for_what_they_leave_out():
    lines = '{"text": "One.", "at": "2024-01-01", "speaker": "Ben"}\n\n{"text": "Two.", "at": "2024-01-02"}\n'
    told = data("add", "-", "--jsonl", "--speaker", "Ana", "--user", "u", input=lines)
    events = [data("get", id) for id in told["ids"]]
    assert [(e["text"], e["speaker"], e["user"]) for e in events] == [("One.", "Ben", "u"), ("Two.", "Ana", "u")]
    assert run("add", "-", "--jsonl", input=lines).stdout == "2 added, 0 known already\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2 must be an object"),
        ("{}", "line 2 must be an object"),
        ('{"text": 5}', "line 2: text must be text"),
        ('{"text": "x", "meta": "y"}', "line 2: meta must be an object"),
        ('{"text": "x", "sepaker": "y"}', "Did you mean 'speaker'"),
        ('{"text": "x", "at": "soon"}', "not a time"),
        ('{"text": " "}', "needs text"),
    ],
)
def test_nothing_of_lines_with_a_wrong_one_is_kept(line, why):
    told = run("add", "-", "--jsonl", input=f'{{"text": "fine"}}\n{line}\n', code=1).stderr
    assert why in told
    assert "line 2" in told
    assert not Path("home/memory.db").exists()


def test_import_keeps_a_file_once_and_tells_what_it_could_not_read():
    Path("in.jsonl").write_text(
        '{"text": "One.", "at": "2024-01-01"}\nnot json\n{"text": "Two.", "at": "2024-01-02"}\n'
    )
    told = data("import", "in.jsonl", "--user", "ana")
    assert (told["new"], told["known"], len(told["problems"])) == (2, 0, 1)
    assert "line 2" in told["problems"][0]
    again = run("import", "in.jsonl", "--user", "ana")
    assert again.stdout == "0 added, 2 known already, 1 not understood\n"
    assert "line 2" in again.stderr
    assert {hit["user"] for hit in data("search", "One Two")["hits"]} == {"ana"}


def test_import_takes_several_files_standard_input_and_a_named_format():
    for name in ("a", "b"):
        Path(f"{name}.jsonl").write_text(f'{{"text": "File {name}.", "at": "2024-01-01"}}\n')
    assert data("import", "a.jsonl", "b.jsonl")["new"] == 2
    assert data("import", "-", "--format", "jsonl", input='{"text": "Piped.", "at": "2024-01-03"}\n')["new"] == 1
    assert "Did you mean 'jsonl'" in run("import", "a.jsonl", "--format", "jsonnl", code=1).stderr
    assert "no file" in run("import", "missing.jsonl", code=1).stderr


def test_an_export_imported_elsewhere_is_the_same_memory(path):
    assert data("export", "all.jsonl")["items"] >= 3
    assert run("export", "-").stdout == Path("all.jsonl").read_text()
    data("import", "all.jsonl", "--memory", "other.db")
    assert data("status", "--memory", "other.db")["events"] == 3
    ours, theirs = (texts(data("search", "violin", "--memory", place)) for place in (path, "other.db"))
    assert ours == theirs


def test_export_replaces_no_file_unasked_and_is_never_a_part_taken_for_the_whole(path):
    Path("mine.txt").write_text("precious")
    assert "Nothing was changed" in run("export", "mine.txt", code=4).stderr
    assert Path("mine.txt").read_text() == "precious"
    assert "--user cannot narrow" in run("export", "x.jsonl", "--user", "ana", code=2).stderr
    assert "not both" in checked(run("export", "-", "--json", code=2))["error"]["message"]
    run("export", "mine.txt", "--yes")
    assert "precious" not in Path("mine.txt").read_text()


# -- measuring ---------------------------------------------------------------------------------------------------------


def test_bench_lists_its_tasks_and_runs_one(path, tmp_path):
    assert "conflict" in data("bench")["tasks"]
    words = ["bench", "conflict", "--limit", "2", "--set", "groups=1", "--memory", "words", "--out", "rows.jsonl"]
    rows = data(*words)["rows"]
    assert [(row["memory"], row["probes"], row["task_settings"]["groups"]) for row in rows] == [("words", 2, 1)]
    assert rows[0]["embedder"].startswith("hashing")
    envelope = checked(run(*words, "--memory", "wrods", "--json", code=1))
    assert [row["status"] for row in envelope["data"]["rows"]] == ["done", "failed"]
    assert "wrods" in envelope["error"]["message"]
    assert [json.loads(line)["status"] for line in Path("rows.jsonl").read_text().splitlines()] == ["done"] * 2 + [
        "failed"
    ]
    assert "Did you mean 'conflict'" in run("bench", "conflcit", code=1).stderr
    assert "of form text" in run("bench", "conflict", "--memory", "embed:hashing", code=1).stderr


# -- changing and destroying -------------------------------------------------------------------------------------------

DESTROYING = {
    "erase": ["--session", "day 1"],
    "forget": ["RECORD"],
    "rebuild": ["--method", "words"],
}


@pytest.mark.parametrize("name", [*DESTROYING, "undo", "consolidate"])
def test_a_dry_run_changes_nothing(path, name):
    before = dump(path)
    record = data("history")["ops"][0]["record"]
    words = {**DESTROYING, "undo": ["1"], "consolidate": []}[name]
    told = data(name, *(record if word == "RECORD" else word for word in words), "--dry-run")
    assert told["dry_run"] is True
    assert dump(path) == before


@pytest.mark.parametrize("name", DESTROYING)
def test_what_destroys_is_refused_in_a_pipe_without_yes(path, name):
    before = dump(path)
    record = data("history")["ops"][0]["record"]
    words = [record if word == "RECORD" else word for word in DESTROYING[name]]
    envelope = checked(run(name, *words, "--json", input="y\n", code=4))
    assert envelope["error"]["kind"] == "Refused"
    assert "--yes" in envelope["error"]["message"]
    assert dump(path) == before
    data(name, *words, "--yes")
    assert dump(path) != before


def test_erase_wants_to_be_told_what(path, monkeypatch):
    monkeypatch.setenv("REMANENCE_USER", "ana")  # a default narrows, it does not choose
    for words in ([], ["--yes"], ["--everything", "--session", "day 1", "--yes"]):
        assert "say what to erase" in run("erase", *words, code=2).stderr
    assert data("status")["events"] == 3


def test_erase_removes_what_was_meant_and_no_more(path, monkeypatch):
    assert data("erase", "--speaker", "Ben", "--dry-run")["events"] == 1
    assert data("erase", "--speaker", "Ben", "--yes")["events"] == 1
    assert texts(data("search", "violin")) == {LISBON, MAKER}
    monkeypatch.setenv("REMANENCE_USER", "ana")
    assert data("erase", "--everything", "--yes") == {"events": 1, "which": {"user": "ana"}, "dry_run": False}
    monkeypatch.delenv("REMANENCE_USER")
    assert texts(data("search", "violin")) == {MAKER}
    assert run("history").stdout.count(MAKER) == 1  # the log of what is gone is told without its text
    assert data("erase", "--everything", "--yes")["events"] == 1
    assert data("status")["events"] == 0


def test_erasing_nothing_asks_nothing(path):
    assert data("erase", "--speaker", "Nobody")["events"] == 0


def test_forget_and_undo_are_each_others_opposite(path):
    record = data("search", "Tuesday", "-k", "1")["hits"][0]["id"]
    (op,) = data("forget", record, "--yes")["ops"]
    assert LESSON not in texts(data("search", "Tuesday"))
    assert data("undo", op["id"], "--dry-run")["op"]["id"] == op["id"]
    assert LESSON not in texts(data("search", "Tuesday"))
    assert data("undo", op["id"])["op"]["undoes"] == op["id"]
    assert LESSON in texts(data("search", "Tuesday"))
    for words in (["undo", "99"], ["undo", "99", "--dry-run"]):
        assert checked(run(*words, "--json", code=3))["error"]["kind"] == "NotFound"


def test_rebuild_changes_the_method(path):
    before = data("search", "violin")["hits"]
    told = data("rebuild", "--method", "words", "--yes")
    assert (told["events"], told["records"], told["method"]) == (3, 3, "words")
    assert data("status")["method"] == "words"
    assert texts(data("search", "violin")) <= {hit["text"] for hit in before}


def test_no_command_embeds_anew_in_passing_but_rebuild_does(path, monkeypatch):
    held = data("status")["embedder"]
    remanence.registry.load("embed", "hashing")
    for words in (["search", "x"], ["add", "x"], ["status"], ["erase", "--everything", "--yes"]):
        envelope = checked(run(*words, "--embed", "static", "--json", code=4))
        assert held in envelope["error"]["message"]
        assert "rebuild --only-vectors" in envelope["error"]["message"]
    with monkeypatch.context() as patch:
        patch.delenv("REMANENCE_EMBED")
        patch.setenv("REMANENCE_EMBED_URL", "http://127.0.0.1:1")
        told = run("search", "x", "--embed-model", "m", code=4).stderr
        assert "not by 'm' (REMANENCE_EMBED_URL)" in told
    assert data("status")["embedder"] == held
    before = data("history")["ops"]
    data("rebuild", "--only-vectors", "--embed", "static", "--yes")
    assert data("status", "--embed", "static")["embedder"] != held
    assert data("history", "--embed", "static")["ops"] == before  # records and log stay
    assert "name the embedder" in run("rebuild", "--only-vectors", "--embed", "", "--yes", code=2).stderr


def test_a_memory_of_an_embedder_that_is_gone_says_what_to_run_and_that_helps(path, monkeypatch):
    monkeypatch.delenv("REMANENCE_EMBED")
    with remanence.open(path, embed=remanence.registry.build("embed", "hashing", dim=128)):
        pass
    envelope = checked(run("search", "x", "--json", code=1))
    assert envelope["error"]["hint"].endswith("remanence rebuild --only-vectors --embed NAME")
    assert data("rebuild", "--only-vectors", "--embed", "hashing", "--dry-run")["embedder"] == "hashing-64"
    data("rebuild", "--only-vectors", "--embed", "hashing", "--yes")
    assert len(texts(data("search", "violin"))) == 3


def test_another_method_is_an_error_that_says_what_to_run(path, monkeypatch):
    monkeypatch.setattr("remanence.opening.derives", lambda name: name)
    envelope = checked(run("search", "x", "--method", "dense", "--json", code=1))
    assert envelope["error"]["kind"] == "OtherMethod"
    assert "remanence rebuild --method" in envelope["error"]["hint"]
    assert data("rebuild", "--method", "dense", "--dry-run")["method"] == "dense"
    data("rebuild", "--method", "dense", "--yes")
    data("search", "x", "--method", "dense")


# -- the doctor --------------------------------------------------------------------------------------------------------


def states(*words: str, code: int = 0) -> dict[str, str]:
    return {c["name"]: c["state"] for c in checked(run("doctor", *words, "--json", code=code))["data"]["checks"]}


def test_the_doctor_finds_a_sound_memory_sound(path):
    names = {"python", "sqlite", "settings", "file", "columns", "disk", "embedder", "language model", "mcp"}
    assert states() == states("--thorough") == dict.fromkeys(names, "ok")
    told = data("doctor")["settings"]
    assert {"name": "embed", "value": "hashing", "from": "REMANENCE_EMBED"} in told
    assert [row["name"] for row in told] == list(settings.KNOWN)


def test_the_doctor_sees_a_missing_and_a_damaged_file(path, tmp_path):
    assert states("--memory", "none.db")["file"] == "warn"
    Path("text.db").write_text("this is no database, and it is long enough to have a header of a hundred bytes" * 3)
    assert states("--memory", "text.db", code=1)["file"] == "fail"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:  # an index that no longer fits its table
        db.execute("PRAGMA writable_schema = ON")
        db.execute(
            "UPDATE sqlite_master SET sql = 'CREATE INDEX event_session ON event (at)' WHERE name = 'event_session'"
        )
    assert states()["file"] == "ok"
    assert states("--thorough", code=1)["file"] == "fail"
    raw = bytearray(path.read_bytes())
    raw[8192:20000] = b"\x55" * (20000 - 8192)
    Path("hurt.db").write_bytes(raw)
    assert states("--memory", "hurt.db", code=1)["file"] == "fail"


def test_the_doctor_asks_the_services(path, monkeypatch):
    assert states("--embed", "nothing", code=1)["embedder"] == "fail"
    chat = ["--lm-model", "m", "--lm-url", "http://127.0.0.1:9"]
    monkeypatch.setattr("remanence.lm.chat.Chat.keywords", raising(Unavailable("nobody there")))
    assert states(*chat, code=1)["language model"] == "fail"
    monkeypatch.setattr("remanence.lm.chat.Chat.keywords", lambda self, text, n: ["field"])
    assert states(*chat)["language model"] == "ok"


def test_the_doctor_notices_misspelt_variables_and_never_shows_a_key(path, monkeypatch):
    monkeypatch.setenv("REMANENCE_MODLE", "x")
    monkeypatch.setenv("REMANENCE_LM_KEY", "sesame")
    assert states()["settings"] == "warn"
    assert "sesame" not in run("doctor").output + run("doctor", "--json").output


def test_the_doctor_counts_events_that_wait(path, monkeypatch):
    with remanence.open(path, embed="hashing") as memory:
        method = type(memory.method)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(method, "write", raising(Unavailable("nobody there")))
        envelope = checked(run("add", "Something.", "--json", code=5))
    assert "events are kept" in envelope["error"]["hint"]
    assert states()["waiting"] == "warn"
    data("consolidate")
    assert "waiting" not in states()


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def raising(error: BaseException):
    def fail(*args: object, **settings: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadConfig("wrong"), 1),
        (NotFound("gone"), 3),
        (ReadOnly("fixed"), 4),
        (LMError("silent"), 5),
        (Unavailable("away"), 5),
        (PermissionError(13, "Permission denied", "x.db"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_have_exit_codes_and_no_traceback(path, monkeypatch, error, code):
    monkeypatch.setattr(Local, "search", raising(error))
    told = run("search", "x", code=code)
    assert told.stdout == ""
    assert told.stderr.startswith("error: ")
    assert len(told.stderr.splitlines()) == 1
    envelope = checked(run("search", "x", "--json", code=code))
    assert envelope["error"]["kind"] == type(error).__name__


def test_what_is_our_bug_is_not_dressed_up(path, monkeypatch):
    monkeypatch.setattr(Local, "search", raising(ZeroDivisionError()))
    assert isinstance(CliRunner().invoke(main, ["search", "x"]).exception, ZeroDivisionError)


def test_an_interruption_leaves_with_130(path, monkeypatch):
    monkeypatch.setattr(Local, "search", raising(KeyboardInterrupt()))
    run("search", "x", code=130)


@pytest.mark.parametrize("words", [["serach", "x"], ["search"], ["search", "x", "-k", "0"], ["search", "x", "--bogus"]])
def test_wrong_use_is_code_2_and_an_envelope_too(words):
    assert "Usage:" in run(*words, code=2).stderr
    envelope = checked(run(*words, "--json", code=2))
    assert envelope["error"]["kind"] == "Usage"
    assert words[0] != "serach" or "Did you mean 'search'" in envelope["error"]["message"]


def test_json_said_as_text_is_text():
    (id,) = run("add", "--at", "2024-01-01", "--", "--json").stdout.split()
    assert data("get", id)["text"] == "--json"
    assert run("search", "--bogus", "--", "--json", code=2).stdout == ""


def test_main_may_be_called_by_a_program(path):
    assert main(["status"], standalone_mode=False) == 0
    assert main(["get", "ffff"], standalone_mode=False) == 3
