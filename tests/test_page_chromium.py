"""The page in a real browser: each view and action is driven; nothing is complained of, nothing leaves the server."""

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("jinja2")
pytest.importorskip("multipart")
pytest.importorskip("uvicorn")
pytest.importorskip("playwright")
import uvicorn
from playwright import sync_api as playwright

import remanence
from remanence.local import Local
from remanence.plain import event_of
from remanence.serve.app import make
from remanence.serve.serving import Serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")]
VIEWS = ("/", "/?q=Where+does+Ana+live", "/?user=ana", "/timeline", "/preview?q=Ana&tokens=100", "/review", "/log",
         "/log?what=all", "/scopes", "/scopes/erase?part=user&name=ana", "/system", "/memory/00")  # fmt: skip
LONG = "word" * 60
expect = playwright.expect


@pytest.fixture
def serving(tmp_path: Path) -> Serving:
    return Serving(tmp_path / "m.db", lambda path: remanence.open(path, embed="hashing"))


@pytest.fixture
def site(serving: Serving) -> Iterator[str]:
    """The address of a server that runs in a thread."""
    server = uvicorn.Server(uvicorn.Config(make(serving), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def memory(site: str, serving: Serving) -> Local:
    held = serving.tenants[""].memory
    held.add("Ana lives in Porto.", at="2024-05-01", user="ana", speaker="Ana", session="s")
    held.add("It is a fine town, and the tram is near.", at="2024-05-01T00:01", user="ana", speaker="Ben", session="s")
    held.add("Ana lives in Lisbon.", at="2024-06-01", user="ana", speaker="Ana", session="s")
    held.add("The kettle is on the stove.", at="2024-07-01", user="ana")
    held.add("The kettle is on the stove!", at="2024-07-02", user="ana")
    held.add("The moon is a cheese.", at="2024-07-03", channel="tool")
    held.add(f"<script>alert(1)</script> {LONG}", at="2024-07-04", user=LONG, speaker=LONG, session=LONG)
    held.add_many([event_of("Nothing was derived from this.", user="ana")], derive=False)
    return held


class Browser:
    """Pages in which every complaint, and every request to elsewhere, is a failure."""

    def __init__(self, browser: Any, site: str):
        self.browser, self.site, self.wrong = browser, site, list[str]()

    def page(self, **how: Any) -> Any:
        page = self.browser.new_context(base_url=self.site, **how).new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda said: self._console(said))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda asked: self._request(asked.url))
        return page

    def _console(self, said: Any) -> None:
        answered = "Failed to load resource" in said.text  # a failure that the page tells of itself
        if said.type in ("error", "warning") and not answered:
            self.wrong.append(said.text)

    def _request(self, url: str) -> None:
        if not url.startswith((self.site, "data:")):
            self.wrong.append(f"asked for {url}")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium: Any, site: str) -> Iterator[Browser]:
    browser = Browser(chromium, site)
    yield browser
    for context in chromium.contexts:
        context.close()
    assert browser.wrong == []


def only(memory: Local, text: str) -> str:
    (found,) = [record.id for record in memory.records(kinds="turn") if record.text == text]
    return found


def click(page: Any, name: str, within: str = "main") -> None:
    page.locator(within).get_by_role("button", name=name, exact=True).first.click()
    page.wait_for_load_state()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 360])
def test_every_view_fits_and_has_its_colours(browser: Browser, memory: Local, scheme: str, width: int) -> None:
    page = browser.page(color_scheme=scheme, viewport={"width": width, "height": 800})
    long = next(record.id for record in memory.records() if LONG in record.text)
    of_one = [f"/{view}/{only(memory, 'Ana lives in Lisbon.')}" for view in ("memory", "graph")]
    for path in [*VIEWS, *of_one, f"/memory/{long}", f"/memory/{long}/erase", f"/graph/{long}"]:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        red = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
        assert (red < 64) == (scheme == "dark"), path
    page.goto("/")
    for theme, dark in (("dark", True), ("light", False)):
        page.locator("button[name=theme]").click()
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        red = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
        assert (red < 64) == dark
    page.locator("button[name=theme]").click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", re.compile(".*"))


def test_search_as_it_is_typed_and_by_keys(browser: Browser, memory: Local) -> None:
    page = browser.page()
    page.goto("/")
    page.evaluate("window.same = true")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("Where does Ana live")
    expect(page.locator("#found .why").first).to_be_visible()
    expect(page.locator("#found .text").first).to_have_text("Ana lives in Lisbon.")
    assert "q=Where" in page.url
    assert page.evaluate("window.same")  # it was not loaded anew
    assert page.locator("#q").input_value() == "Where does Ana live"
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("User", exact=True).first.fill("nobody")
    click(page, "Apply")
    expect(page.locator(".empty")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    expect(page.locator(".card").first).to_be_visible()


def test_everything_that_can_be_done_to_a_memory(browser: Browser, memory: Local) -> None:
    page = browser.page()
    page.goto("/")
    page.locator("summary", has_text="Add a memory").click()
    page.locator("#a-text").fill("The lamp is broken.")
    click(page, "Keep it")
    expect(page.locator(".notice")).to_have_text("Kept.")
    page.locator(".card a").first.click()
    expect(page.locator("mark")).to_have_text("The lamp is broken.")
    for button, then in (("Pin", "Unpin"), ("Unpin", "Pin"), ("Forget", "Restore"), ("Restore", "Forget")):
        click(page, button)
        expect(page.get_by_role("button", name=then, exact=True)).to_be_visible()
    page.locator("summary", has_text="Edit").click()
    page.locator("#e-text").fill("The lamp is mended.")
    click(page, "Change it")
    expect(page.locator("del")).to_have_text("broken")
    expect(page.locator("ins")).to_have_text("mended")
    page.get_by_role("link", name="The lamp is broken.").click()
    expect(page.locator(".tag.warn")).to_have_text("replaced")
    page.locator("tr", has_text="replaced: edited").get_by_role("button", name="Undo").click()
    expect(page.locator(".tag.good")).to_have_text("holds")
    page.get_by_role("link", name="Delete for good…").click()
    click(page, "Delete for good")  # the browser asks for the box to be ticked
    assert "/erase" in page.url
    page.locator("input[name=sure]").check()
    click(page, "Delete for good")
    expect(page.locator(".notice")).to_have_text("Erased for good.")
    assert not [event for event in memory.events() if "broken" in event.text]


def test_the_log_takes_back(browser: Browser, memory: Local) -> None:
    memory.forget(only(memory, "The moon is a cheese."))
    page = browser.page()
    page.goto("/log")
    page.locator("tr", has_text="forgotten").get_by_role("button", name="Undo").click()
    expect(page.locator("tr", has_text="forgotten")).to_contain_text("taken back")
    assert only(memory, "The moon is a cheese.")


def test_the_graph_arranges_itself(browser: Browser, memory: Local) -> None:
    page = browser.page()
    page.goto(f"/memory/{only(memory, 'Ana lives in Lisbon.')}")
    page.get_by_role("link", name="Graph").click()
    before = page.locator(".graph .node").evaluate_all("nodes => nodes.map(n => [n.dataset.x, n.dataset.y].join())")
    expect(page.locator(".graph")).to_have_attribute("data-arranged", "", timeout=20_000)
    after = page.locator(".graph .node").evaluate_all("nodes => nodes.map(n => n.getAttribute('transform'))")
    assert len(before) == len(after) > 3
    assert len(set(after)) == len(after)
    assert page.locator(".edge").count() == page.locator("tbody tr").count() > 2
    page.locator(".graph .node:not(.centre) a").first.click()
    page.wait_for_url(lambda url: "/graph/" in url and only(memory, "Ana lives in Lisbon.") not in url)


def test_the_timeline_leads_to_what_was_said(browser: Browser, memory: Local) -> None:
    page = browser.page()
    page.goto("/timeline")
    assert page.locator(".dot").count() == len(list(memory.events()))
    page.locator(".dot").last.click()  # it is the newest, and lies on top
    page.wait_for_url("**/event/*")
    expect(page.locator(".said")).to_have_text("Nothing was derived from this.")


def test_the_preview_follows_the_question(browser: Browser, memory: Local) -> None:
    page = browser.page()
    page.goto("/preview")
    page.locator("#q").type("Where does Ana live?")
    expect(page.locator("pre")).to_contain_text("Ana lives in Lisbon.")
    page.locator("#tokens").fill("40")
    page.locator("#tokens").blur()
    expect(page.locator("#made")).to_contain_text("of 40 tokens")
    assert page.locator("pre").text_content() == memory.context("Where does Ana live?", 40).text


def test_the_queue_is_worked_off(browser: Browser, memory: Local) -> None:
    page = browser.page()
    page.goto("/review")
    click(page, "Take it back")
    expect(page.locator("main")).not_to_contain_text("Replaced")
    expect(page.locator("main")).to_contain_text("Facts that disagree")
    for button in ("Both are right", "Keep both", "Accept"):
        click(page, button)
        expect(page.get_by_role("button", name=button)).to_have_count(0)
    page.get_by_role("link", name="Derive").click()
    click(page, "Derive what waits")
    expect(page.locator("#now .tag.good")).to_have_text("done", timeout=20_000)
    page.goto("/review")
    expect(page.locator(".empty")).to_be_visible()


def test_a_scope_goes_along_or_goes_for_good(browser: Browser, memory: Local, tmp_path: Path) -> None:
    page = browser.page(accept_downloads=True)
    page.goto("/scopes")
    row = page.locator("tr", has_text="ana").first
    with page.expect_download() as coming:
        row.get_by_role("link", name="Export").click()
    coming.value.save_as(tmp_path / "ana.jsonl")
    with remanence.open(embed="hashing") as other:
        assert other.import_(tmp_path / "ana.jsonl").new == 6
    row.get_by_role("link", name="Erase…").click()
    page.get_by_label("Type the name").fill("ana")
    click(page, "Erase for good")
    expect(page.locator("h1")).to_have_text("Whose memories")
    assert not list(memory.events(user="ana"))


def test_signing_in_and_out(browser: Browser, serving: Serving, memory: Local) -> None:
    _, secret = serving.keys.make("some key", right="write")
    page = browser.page()
    page.goto("/?q=Ana")
    page.get_by_label("Key").fill("rem_wrong")
    click(page, "Sign in")
    expect(page.locator(".notice.bad")).to_be_visible()
    page.get_by_label("Key").fill(secret)
    click(page, "Sign in")
    expect(page.locator("#found .text").first).to_contain_text("Ana")
    assert secret not in str(page.context.cookies())
    assert page.evaluate("document.cookie") == ""
    click(page, "Sign out", "header")
    expect(page.get_by_label("Key")).to_be_visible()


def test_without_scripts(browser: Browser, memory: Local) -> None:
    page = browser.page(java_script_enabled=False)
    page.goto("/")
    page.locator("#q").fill("Where does Ana live")
    click(page, "Search")
    page.locator("#found .text a").first.click()
    expect(page.locator(".said")).to_have_text("Ana lives in Lisbon.")
    page.locator("summary", has_text="Edit").click()
    page.locator("#e-text").fill("Ana lives in Faro.")
    click(page, "Change it")
    expect(page.locator(".said")).to_have_text("Ana lives in Faro.")
    click(page, "Forget")
    expect(page.get_by_role("button", name="Restore")).to_be_visible()
    page.get_by_role("link", name="Graph").click()
    expect(page.locator(".graph .node").first).to_be_visible()
    assert page.locator("tbody tr").count() > 0
    page.go_back()
    page.get_by_role("link", name="Delete for good…").click()
    page.locator("input[name=sure]").check()
    click(page, "Delete for good")
    expect(page.locator(".notice")).to_have_text("Erased for good.")
    page.locator("button[name=theme]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
