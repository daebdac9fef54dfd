"""The report in a real browser: Debian's Chromium, driven by selenium. It shows what it should and
does nothing else."""

from __future__ import annotations

import base64
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import programs
import pytest
import report_data
from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.chrome.service import Service
from vpcflow_diagnose.report.data import ReportData
from vpcflow_diagnose.report.page import page

COUNT = "return document.querySelectorAll(arguments[0]).length"
EXTENTS = """
return [...document.querySelectorAll(arguments[0])].map(e => {
  const box = e.getBoundingClientRect();
  return [box.width, box.height];
});
"""
CONTRAST = """
const light = c => {
  const part = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const [r, g, b] = c.map(v => part(v / 255));
  return .2126 * r + .7152 * g + .0722 * b;
};
const parsed = text => text.match(/[\\d.]+/g).map(Number);
const behind = e => {
  for (; e; e = e.parentElement) {
    const c = parsed(getComputedStyle(e).backgroundColor);
    if (c.length == 3 || c[3] == 1) return c.slice(0, 3);
  }
  return [255, 255, 255];
};
const low = [];
for (const e of document.querySelectorAll('body *')) {
  const own = [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim());
  if (!own || e.closest('svg') || !e.checkVisibility()) continue;
  const pair = [light(parsed(getComputedStyle(e).color)), light(behind(e))].sort((a, b) => b - a);
  const ratio = (pair[0] + .05) / (pair[1] + .05);
  if (ratio < 4.5) low.push([e.className, e.textContent.slice(0, 30), ratio]);
}
return low;
"""


class Browser:
    """Chromium without a window, on one page at a time."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        options = webdriver.ChromeOptions()
        options.binary_location = programs.tool("chromium")
        profile = f"--user-data-dir={directory / 'profile'}"
        quiet = "--disable-background-networking"
        for flag in ("--headless=new", "--no-sandbox", profile, quiet):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, Service(programs.tool("chromedriver")))

    def show(self, data: ReportData, *, dark: bool = False, width: int = 1100) -> list[str]:
        """Open the page of `data`; gives what the console said."""
        file = self.directory / "report.html"
        file.write_text(page(data), encoding="utf-8")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.said(), self.requests()  # of the page before
        self.driver.get(file.as_uri())
        return self.said()

    def command(self, name: str, **parameters: object) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)

    def ask(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def said(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """URLs that were asked for since the last call."""
        events = (json.loads(e["message"])["message"] for e in self.driver.get_log("performance"))
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def alert(self) -> str | None:
        try:
            return self.driver.switch_to.alert.text
        except NoAlertPresentException:
            return None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        opened = Browser(Path(directory))
        try:
            yield opened
        finally:
            opened.driver.quit()


PAGES = {
    "ordinary": report_data.ordinary,
    "empty": report_data.empty,
    "one": report_data.one_record,
    "huge": report_data.huge,
}


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_opens_without_a_word_and_asks_for_nothing(browser: Browser, kind: str) -> None:
    assert browser.show(PAGES[kind]()) == []
    assert browser.requests() == [(browser.directory / "report.html").as_uri()]
    assert browser.ask("return document.compatMode") == "CSS1Compat"


def test_what_is_smuggled_in_would_be_stopped(browser: Browser) -> None:
    """That the tests here can fail: the policy holds even where the escaping would not."""
    browser.show(report_data.ordinary())
    browser.requests()
    browser.ask(
        "document.body.insertAdjacentHTML('beforeend', "
        "'<img src=\\'http://192.0.2.1/x.png\\' onerror=\\'alert(1)\\'>')"
    )
    assert any("Content Security Policy" in line for line in browser.said())
    assert browser.alert() is None


def test_charts_and_the_map_are_drawn(browser: Browser) -> None:
    data = report_data.ordinary()
    browser.show(data)
    bars = browser.ask(EXTENTS, ".chart rect.ok")
    assert len(bars) == len(data.timeline.slots)
    assert all(width > 1 and height > 0 for width, height in bars)
    assert browser.ask(COUNT, ".chart rect.no") > 10
    assert browser.ask(COUNT, ".chart rect.gap") == 2
    boxes = browser.ask(EXTENTS, ".map rect.node")
    assert len(boxes) == len(data.topology.nodes)
    assert all(width > 50 and height > 20 for width, height in boxes)
    lines = browser.ask(EXTENTS, ".map path.line")
    assert len(lines) == 23
    assert all(max(extent) > 10 for extent in lines)


def test_no_text_of_the_map_leaves_its_box(browser: Browser) -> None:
    browser.show(report_data.ordinary())
    over = browser.ask(
        """
        return [...document.querySelectorAll('.map g')].filter(g => g.querySelector('rect.node'))
          .flatMap(g => {
            const box = g.querySelector('rect').getBoundingClientRect();
            return [...g.querySelectorAll('text')].filter(t => {
              const text = t.getBoundingClientRect();
              return text.left < box.left || text.right > box.right || text.bottom > box.bottom;
            }).map(t => t.textContent);
          });
        """
    )
    assert over == []


@pytest.mark.parametrize("text", report_data.HOSTILE)
def test_a_hostile_log_stays_text(browser: Browser, text: str) -> None:
    assert browser.show(report_data.hostile(text)) == []
    assert browser.alert() is None
    found = browser.ask(COUNT, "script, img, iframe, object, embed, link, b, form, [onload]")
    assert found == 0
    elements = browser.ask(COUNT, "*")
    assert browser.ask(COUNT, "style") == 1
    assert browser.requests() == [(browser.directory / "report.html").as_uri()]
    browser.show(report_data.hostile("y" * len(text)))
    assert browser.ask(COUNT, "*") == elements


def test_dark_and_light_differ_and_both_can_be_read(browser: Browser) -> None:
    colours = {}
    for dark in (False, True):
        browser.show(report_data.ordinary(), dark=dark)
        colours[dark] = browser.ask(
            "const of = (s, p) => getComputedStyle(document.querySelector(s))[p];"
            "return [of('body', 'backgroundColor'), of('body', 'color'), of('.node', 'fill')];"
        )
        assert browser.ask(CONTRAST) == []
    assert all(a != b for a, b in zip(colours[False], colours[True], strict=True))


@pytest.mark.parametrize("kind", ["ordinary", "huge"])
def test_a_phone_scrolls_tables_not_the_page(browser: Browser, kind: str) -> None:
    browser.show(PAGES[kind](), width=360)
    assert browser.ask("return document.documentElement.scrollWidth") <= 360


def test_folded_findings_open(browser: Browser) -> None:
    browser.show(report_data.ordinary())
    open_ = "return document.querySelector('.finding.warning .explanation').checkVisibility()"
    assert not browser.ask(open_)
    browser.driver.find_element("css selector", ".finding.warning summary").click()
    assert browser.ask(open_)


def test_one_click_selects_a_whole_command(browser: Browser) -> None:
    browser.show(report_data.ordinary())
    browser.driver.find_element("css selector", "pre code").click()
    chosen = browser.ask("return getSelection().toString()")
    assert chosen == "aws ec2 describe-network-acls --network-acl-ids acl-0abc"


def test_it_prints_light_and_with_folded_findings(browser: Browser) -> None:
    browser.show(report_data.ordinary(), dark=True)
    printed = base64.b64decode(browser.command("Page.printToPDF", printBackground=True)["data"])
    assert printed.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type /Page\b", printed))
    assert 3 <= pages <= 20
    assert len(printed) < 2_000_000
    browser.command("Emulation.setEmulatedMedia", media="print")
    paper = browser.ask("return getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(252, 252, 251)"
    assert browser.ask("return document.querySelector('.finding.warning dl').offsetHeight") > 0
    browser.command("Emulation.setEmulatedMedia", media="")


def test_without_the_browser_the_tests_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(os.environ, "PATH", "/nowhere")
    with pytest.raises(programs.MissingToolError, match="apt-get install chromium-driver"):
        programs.tool("chromedriver")
