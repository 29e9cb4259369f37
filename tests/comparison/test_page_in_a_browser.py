"""``compare.html`` opened from disk and used, without a network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.comparison.small import small_comparison, two_loras
from tests.dataset_tools.quality.browser import CHROMIUM, Page, browser
from wrapper.comparison.compare import Comparison
from wrapper.comparison.page import write_page
from wrapper.comparison.sheets import save_sheets
from wrapper.diffusion.pictures.photograph import Photograph
from wrapper.diffusion.pictures.picture import save_picture

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
FOCUSED = """
new Promise((done) => {
  const look = () => (document.activeElement.dataset.at ? done() : requestAnimationFrame(look));
  look();
})
"""
PROMPT = '<b>a woman</b> & "it\'s" </script><script>alert(1)</script>'


def filled(comparison: Comparison) -> Comparison:
    """Every cell but one of the grid as a plain picture, 300 × 200 px."""
    for number, (name, told) in enumerate(comparison.told.items()):
        pixels = np.full((200, 300, 3), 20 * number, np.uint8)
        save_picture(comparison.album.picture(name), Photograph(pixels), told, comparison.subject.source)
    return comparison


@pytest.fixture(scope="module")
def pages(tmp_path_factory, tiny_base):
    """A page of pairs and one of a grid, whose last cell failed."""
    folder = tmp_path_factory.mktemp("сравнение #1 'a' 50% 🙂")
    lora = two_loras(folder)[0]
    pairs = filled(small_comparison(tiny_base(), folder / "pairs ?", lora, prompts=(PROMPT,), seeds=(1, 2)))
    grid = filled(small_comparison(tiny_base(), folder / "grid", lora, "weight=0.7-1.0 [4]", "seed=1,2"))
    for one in (pairs, grid):
        save_sheets(one)
    write_page(pairs, {})
    last = grid.plan.grids[0].names[1][3]
    grid.album.picture(last).unlink()
    write_page(grid, {last: "The picture overflowed."})
    return pairs.album.page, grid.album.page


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def pairs(tab, pages) -> Page:
    tab.open(pages[0])
    return tab


@pytest.fixture
def grid(tab, pages) -> Page:
    tab.open(pages[1])
    return tab


def name(page: Page) -> str:
    return page.run("byId('name').textContent")


def open_cell(page: Page, place: str) -> None:
    page.run(f"document.querySelector('[data-at=\"{place}\"]').click()")


def move(page: Page, kind: str, x: float, y: float, **more) -> None:
    page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", **more)


def test_pictures_are_there_and_nothing_is_asked_of_a_network(pairs):
    pairs.run("new Promise((done) => setTimeout(done, 100))")
    assert {address.split(":")[0] for address in pairs.asked} <= {"file", "about", "data"}
    assert pairs.faults == []
    assert (
        pairs.run("[...document.querySelectorAll('td img')].map((image) => image.naturalWidth)") == [300] * 4
    )
    assert pairs.run("[...document.querySelectorAll('td img')].every((image) => image.alt.includes('seed'))")


def test_prompts_are_text(pairs):
    assert pairs.run("document.querySelector('h1').textContent") == PROMPT
    open_cell(pairs, "0 0 1")
    assert PROMPT in pairs.run("byId('parameters').textContent")
    assert pairs.run("document.querySelectorAll('b').length") == 0


def test_a_pair_opens_with_a_slider_between_its_pictures(pairs):
    open_cell(pairs, "0 1 0")
    assert name(pairs) == "seed 2 · base alone | ухо 1, weight 1"
    clip = "byId('over').style.clipPath"
    assert pairs.run(clip) == "inset(0px 50% 0px 0px)"
    left, top = pairs.run(
        "(() => { const b = byId('line').getBoundingClientRect(); return [b.left + 14, b.top + 90]; })()"
    )
    width = pairs.run("size[0] * scale")
    move(pairs, "mousePressed", left, top, clickCount=1)
    move(pairs, "mouseMoved", left + width / 4, top, buttons=1)
    move(pairs, "mouseReleased", left + width / 4, top, clickCount=1)
    assert pairs.run("Math.round(Number(share.value))") == 75
    pairs.run("share.value = 20; share.dispatchEvent(new Event('input'))")
    assert pairs.run(clip) == "inset(0px 80% 0px 0px)"
    pairs.press("s")
    assert pairs.run("[over.hidden, line.hidden, byId('slide').hidden]") == [True, True, True]
    assert name(pairs) == "seed 2 · base alone"


def test_arrow_keys_go_from_cell_to_cell_and_over_the_one_that_failed(grid):
    open_cell(grid, "0 0 2")
    seen = [name(grid)]
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowUp"):
        grid.press(key)
        seen.append(name(grid))
    assert seen == [
        "seed 1 · weight 0.9",
        "seed 1 · weight 1",
        "seed 2 · weight 0.7",
        "seed 2 · weight 0.8",
        "seed 2 · weight 0.9",
        "seed 2 · weight 0.9",
        "seed 1 · weight 0.9",
    ]
    assert "<lora:ухо 1:0.9>" in grid.run("byId('parameters').textContent")
    grid.press("Escape")
    grid.run(FOCUSED)
    assert grid.run("[viewer.open, document.activeElement.dataset.at]") == [False, "0 0 2"]
    grid.press("ArrowRight")
    assert grid.run("document.activeElement.dataset.at") == "0 0 3"


def test_the_wheel_zooms_at_the_pointer_and_a_drag_pans(grid):
    open_cell(grid, "0 0 0")
    fitted = grid.run("scale")
    assert fitted == pytest.approx(grid.run("Math.min(stage.clientWidth / 300, stage.clientHeight / 200)"))
    spot = "(() => { const b = stage.getBoundingClientRect(); return [b.left + 200, b.top + 150]; })()"
    left, top = grid.run(spot)
    under = "[(200 - x) / scale, (150 - y) / scale]"
    before = grid.run(under)
    grid.call("Input.dispatchMouseEvent", type="mouseWheel", x=left, y=top, deltaX=0, deltaY=-600)
    grid.run("new Promise((done) => setTimeout(done, 100))")
    assert grid.run("scale") > 1.5 * fitted
    assert grid.run(under) == pytest.approx(before, abs=0.5)
    held = grid.run("[x, y]")
    move(grid, "mousePressed", left, top, clickCount=1)
    move(grid, "mouseMoved", left - 40, top - 30, buttons=1)
    move(grid, "mouseReleased", left - 40, top - 30, clickCount=1)
    assert grid.run("[x, y]") == pytest.approx([held[0] - 40, held[1] - 30])
    grid.press("1")
    assert grid.run("scale") == 1
    grid.press("0")
    assert grid.run("scale") == fitted


def test_two_fingers_zoom(grid):
    open_cell(grid, "0 0 0")
    grid.press("1")

    def touch(kind: str, *points: tuple[float, float]) -> None:
        told = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        grid.call("Input.dispatchTouchEvent", type=kind, touchPoints=told)

    touch("touchStart", (500, 400), (700, 400))
    touch("touchMove", (400, 400), (800, 400))
    touch("touchEnd")
    assert grid.run("scale") == pytest.approx(2, rel=0.1)


def test_what_could_not_be_drawn_says_why(grid):
    assert grid.run("document.querySelector('td .none').textContent") == "The picture overflowed."
    assert grid.run("document.querySelectorAll('td img').length") == 7
    assert grid.run("document.querySelector('.failed').textContent.trim()").endswith(
        "The picture overflowed."
    )


def test_the_size_of_pictures_can_be_set_and_the_sheet_is_linked(grid):
    grid.run("byId('size').value = 200; byId('size').dispatchEvent(new Event('input'))")
    assert grid.run("document.querySelector('td img').getBoundingClientRect().width") == 200
    assert grid.run("document.querySelector('caption a').getAttribute('href')") == "grid.png"


@pytest.mark.parametrize("number", [0, 1], ids=["pairs", "grid"])
def test_a_telephone_needs_no_scrolling_sideways(tab, pages, number):
    tab.open(pages[number], width=360, height=740)
    assert tab.run("document.documentElement.scrollWidth") == 360
    open_cell(tab, "0 0 1")
    assert tab.run("document.documentElement.scrollWidth") == 360
    assert tab.run("viewer.getBoundingClientRect().right") <= 360
