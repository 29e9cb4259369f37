"""``report.html`` opened from disk and used, with 10,000 pictures and without a network."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataset_tools.quality.page.page import write_page
from dataset_tools.quality.page.thumbnails import FOLDER, save_thumbnail, small_copy, thumbnail_name
from dataset_tools.quality.qc import load_thresholds
from dataset_tools.quality.qc_record import QcRecord, Reason
from tests.dataset_tools.quality.browser import CHROMIUM, Page, browser
from tests.dataset_tools.quality.test_report_page import NAMES

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
COUNT = 10_000
MOST_ELEMENTS = 1_200


def made(number: int, rng: random.Random) -> QcRecord:
    """Every 10th is soft, every 100th noisy as well."""
    blur, noise = (0.6 if number % 10 == 0 else -0.3), (20.0 if number % 100 == 0 else 3 * rng.random())
    reasons = [Reason("blur", "soft", "blur_px", blur, 0.55)] if blur > 0.5 else []
    reasons += [Reason("noise", "noise", "noise_sigma", noise, 14.0)] if noise > 14 else []
    measured = {"blur": blur + number / 1e6, "noise": noise, "dark": rng.random() / 2}
    return QcRecord(
        f"photo {number:05d}.jpg",
        "REJECT" if reasons else "OK",
        reasons,
        measured,
        jpeg_quality=None,
        width=800,
        height=600,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(0)
    records = [made(number, rng) for number in range(COUNT)]
    for number, name in enumerate(NAMES):
        records[number + 1] = replace(records[number + 1], path=name)
    twin = Reason("duplicate", "alike", "similarity", 0.99, 0.98)
    records[21] = replace(records[21], status="WARN", reasons=[twin], duplicate_of=records[25].path)
    out = tmp_path_factory.mktemp("отчёт 'qc' #1")
    save_thumbnail(
        small_copy(np.full((12, 16, 3), 200, np.uint8)), out / FOLDER / thumbnail_name(records[0].path)
    )
    write_page(records, load_thresholds(), out / "photos", out)
    return out / "report.html"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(tab: Page, report: Path) -> Page:
    tab.open(report)
    return tab


def names(page: Page) -> list[str]:
    return page.run("[...document.querySelectorAll('.card .name')].map((one) => one.textContent)")


def said(page: Page) -> str:
    return page.run("document.getElementById('shown').textContent")


def elements(page: Page) -> int:
    return page.run("document.getElementsByTagName('*').length")


def click(page: Page, text: str) -> None:
    found = f"[...document.querySelectorAll('button')].find((one) => one.textContent.startsWith({text!r}))"
    page.run(f"{found}.click()")


def test_only_what_is_in_sight_has_elements(page):
    assert said(page) == "10,000 of 10,000 pictures shown"
    assert 12 < len(names(page)) < 60
    assert elements(page) < MOST_ELEMENTS
    page.run("scrollTo(0, document.body.scrollHeight); show()")
    assert names(page)[-2:] == ["photo 09999.jpg", NAMES[3]]
    assert elements(page) < MOST_ELEMENTS


def test_nothing_is_asked_of_a_network_and_nothing_fails(page):
    page.run("new Promise((done) => setTimeout(done, 50))")
    assert {address.split(":")[0] for address in page.asked} <= {"file", "about", "data"}
    assert page.faults == []
    assert page.run("document.querySelector('.card img').naturalWidth") == 16


def test_names_are_text(page):
    page.run("byId('search').value = 'alert'; byId('search').dispatchEvent(new Event('input'))")
    assert sorted(names(page)) == sorted(name for name in NAMES if "alert" in name)
    assert page.run("document.querySelectorAll('.list script, .list [onerror]').length") == 0


def test_statuses_and_reasons_filter(page):
    click(page, "REJECT")
    assert said(page) == "1,000 of 10,000 pictures shown"
    click(page, "noise")
    assert said(page) == "100 of 10,000 pictures shown"
    click(page, "Show all")
    assert said(page) == "10,000 of 10,000 pictures shown"


def test_the_worst_come_first_and_reversed_last(page):
    sort = "byId('sort').value = 'blur'; byId('sort').dispatchEvent(new Event('change'))"
    page.run(sort)
    assert names(page)[:2] == ["photo 09990.jpg", "photo 09980.jpg"]
    assert page.run("document.querySelector('.card .value').textContent") == "Blur: 0.61 px"
    click(page, "Reversed")
    assert names(page)[0] == NAMES[0]


def test_a_bar_of_a_histogram_shows_its_pictures_and_lines_are_the_limits(page):
    assert page.run("document.querySelectorAll('.histogram')[0].querySelectorAll('line.reject').length") == 2
    page.run("document.querySelectorAll('.histogram svg')[1].focus()")
    for _ in range(40):
        page.press("ArrowRight")
    page.press("Enter")
    assert said(page) == "100 of 10,000 pictures shown"
    page.press("Enter")
    assert said(page) == "10,000 of 10,000 pictures shown"


def test_the_address_keeps_the_view(page, report):
    click(page, "blur")
    click(page, "Reversed")
    fragment = page.run("location.hash")
    page.open(report, fragment)
    assert said(page) == "1,000 of 10,000 pictures shown"
    assert page.run("byId('turn').getAttribute('aria-pressed')") == "true"


def test_duplicates_lie_side_by_side_the_best_copy_first(page):
    click(page, "Duplicates")
    assert said(page) == "1 group of duplicates, the best copy first"
    assert names(page) == ["photo 00025.jpg", "photo 00021.jpg"]


def test_the_keyboard_goes_through_the_list_and_opens_a_picture(page):
    page.run("document.querySelector('.card').focus({ preventScroll: true })")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown"):
        page.press(key)
    assert page.run("document.activeElement.querySelector('.name').textContent") in names(page)
    name = page.run("document.activeElement.querySelector('.name').textContent")
    page.press("Enter")
    assert page.run("[byId('viewer').open, byId('viewer-name').textContent]") == [True, name]
    assert page.run("byId('viewer-link').getAttribute('href')").startswith("./photos/photo%20")
    page.press("ArrowRight")
    assert page.run("byId('viewer-name').textContent") != name
    page.press("Escape")
    assert page.run("byId('viewer').open") is False


def test_a_telephone_needs_no_scrolling_sideways(tab, report):
    tab.open(report, width=360, height=740)
    assert tab.run("document.documentElement.scrollWidth") == 360
    tab.run("byId('measures').open = true")
    assert tab.run("document.documentElement.scrollWidth") == 360
    tab.run("document.querySelector('.card').click()")
    assert tab.run("document.documentElement.scrollWidth") == 360
    assert tab.run("byId('viewer').getBoundingClientRect().right") <= 360
