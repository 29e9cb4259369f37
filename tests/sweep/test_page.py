"""``sweep.html`` opened from disk and used, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

import numpy as np
import pytest

from dataset_tools.pictures.images import read_rgb, save_png
from tests.dataset_tools.quality.browser import CHROMIUM, Page, browser
from tests.sweep.made_sweeps import Made, image_name, make_sweep
from wrapper.sweep.outcome.page.axes import is_log, value_axis
from wrapper.sweep.outcome.page.dots import joined
from wrapper.sweep.outcome.page.losses import thinned
from wrapper.sweep.outcome.ranking import rank
from wrapper.sweep.outcome.results import write_results

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
DIM, RATE, OPTIMIZER = (f"stage_b.kohya.{key}" for key in ("network_dim", "learning_rate", "optimizer_type"))
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'"
SIDES = 700
"""Larger than a small copy."""


def trials() -> list[Made]:
    grid = [
        Made({DIM: dim, RATE: rate, OPTIMIZER: EVIL}, dim / 16 + rate * 1e4, noise=0.1)
        for dim in (8, 16, 32)
        for rate in (1e-5, 1e-4)
    ]
    failed = [Made({DIM: 64, RATE: rate, OPTIMIZER: "x"}, status="failed", why=EVIL) for rate in (1e-5, 1e-4)]
    aside = Made({DIM: 4, RATE: 1e-5, OPTIMIZER: "x"}, 9, evaluated={"sampler": EVIL})
    return [*grid, *failed, aside]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    folder = tmp_path_factory.mktemp("сравнение #1 'a' 50% 🙂 ?")
    made = make_sweep(folder, trials(), images=3, pictures=True)
    large = made.trials[5].folder / "images" / "inpaint" / "stage_b" / f"{image_name(0)}_seed1.png"
    save_png(large, np.full((SIDES, SIDES, 3), 90, np.uint8))
    write_results(made, rank(made))
    return made


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(tab, sweep) -> Page:
    tab.asked.clear()
    tab.open(sweep.folder / "sweep.html")
    return tab


def texts(page: Page, where: str) -> list[str]:
    return page.run(f"[...document.querySelectorAll({where!r})].map((one) => one.textContent.trim())")


def shown(page: Page) -> list[str]:
    return page.run(
        "[...byId('table').tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.dataset.trial)"
    )


def sort_by(page: Page, head: str) -> list[str]:
    page.run(
        "[...document.querySelectorAll('#table th button')]"
        f".find((button) => button.textContent === {head!r}).click()"
    )
    return shown(page)


def test_it_opens_whole_without_a_network_and_pictures_are_there(page):
    page.run("[...document.images].forEach((image) => { image.loading = 'eager'; })")
    page.run("Promise.all([...document.querySelectorAll('#grid img')].map((image) => image.decode()))")
    assert {address.split(":")[0] for address in page.asked} <= {"file", "about", "data"}
    assert page.faults == []
    assert page.run("[...document.querySelectorAll('#grid img')].every((image) => image.naturalWidth > 0)")
    assert page.run("document.querySelectorAll('#grid img').length") == 3 * (2 + 4)


def test_the_best_is_told_first_with_how_sure_that_is(page):
    assert "trial 006 (network_dim 32, learning_rate 0.0001" in texts(page, "h2")[0]
    assert texts(page, ".tile b")[0] == "006"
    assert texts(page, "tr.best .badge") == ["best"]
    assert any("better than the untouched base" in text for text in texts(page, "#best p"))


def test_values_of_trials_are_text(page):
    assert page.run("document.querySelectorAll('main script, main img[src=\"x\"]').length") == 0
    assert EVIL in " ".join(texts(page, "#without td"))
    assert page.run("Object.values(titles)[0]").count("</script>") == 2


def test_a_column_sorts_by_its_numbers_both_ways_and_what_has_none_comes_last(page):
    assert shown(page)[0] == "006"
    assert sort_by(page, "learning_rate")[-1] in ("008", "006", "004", "002")
    assert sort_by(page, "place")[:2] == ["006", "005"]
    assert sort_by(page, "place")[-3:] == shown(page)[-3:]
    assert set(shown(page)[-3:]) == {"007", "008", "009"}
    assert shown(page)[0] == "001"


def test_trials_are_found_by_their_settings_and_by_what_became_of_them(page):
    page.run("byId('search').value = 'FAILED 0.0001'; byId('search').dispatchEvent(new Event('input'))")
    assert shown(page) == ["008"]
    assert page.run("byId('found').textContent") == "1 of 9 trials"


def test_a_trial_that_is_pointed_at_stands_out_everywhere(page):
    page.run("document.querySelector('.dots circle[data-trial=\"003\"]').dispatchEvent("
             "new PointerEvent('pointerover', { bubbles: true }))")  # fmt: skip
    assert page.run("[...document.querySelectorAll('.on')].map((one) => one.tagName)").count("circle") == 2
    assert page.run("document.querySelectorAll('tr.on, polyline.on').length") == 2
    assert texts(page, "#settings .said")[0].startswith("003: network_dim 16, learning_rate 1e-05")


def test_the_nearest_loss_is_found_under_the_pointer(page):
    page.run("document.documentElement.style.scrollBehavior = 'auto'; losses.scrollIntoView()")
    left, top = page.run(
        "(() => { const line = document.querySelector('.loss[data-trial=\"001\"]'), m = line.getScreenCTM();"
        " const [x, y] = line.getAttribute('points').split(' ')[5].split(',').map(Number);"
        " return [m.a * x + m.e, m.d * y + m.f]; })()"
    )
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=left, y=top)
    assert page.run("document.querySelector('.loss.on').dataset.trial") == "001"
    assert texts(page, "#losses .said")[0].startswith("001: network_dim 8")


def test_ticked_trials_are_laid_side_by_side_in_the_order_of_rank(page):
    heads = texts(page, "#grid thead th")
    assert [head.split(":")[0] for head in heads] == [
        "the photograph", "untouched base", "006", "005", "004", "002",
    ]  # fmt: skip
    page.run("byId('table').querySelector('input[value=\"001\"]').click()")
    assert texts(page, "#grid thead th")[-1].startswith("001: ")
    assert page.run("document.querySelector('.loss[data-trial=\"001\"]').classList.contains('ticked')")
    page.run("document.querySelector('.dots circle[data-trial=\"001\"]').dispatchEvent("
             "new MouseEvent('click', { bubbles: true }))")  # fmt: skip
    assert len(texts(page, "#grid thead th")) == 6


def test_a_picture_opens_at_its_full_size_beside_another(page):
    page.run("document.querySelector('[data-at=\"0 0 2\"]').click()")
    assert page.run("[viewer.open, size]") == [True, [SIDES, SIDES]]
    page.press("s")
    assert page.run("over.hidden") is False
    assert page.run("byId('name').textContent").startswith(f"{image_name(0)} · the photograph | 006:")
    page.press("Escape")


def test_large_pictures_have_small_copies_and_old_ones_are_removed(page, sweep):
    copies = list((sweep.folder / ".thumbs").iterdir())
    assert len(copies) == 1
    assert max(read_rgb(copies[0]).shape) == 256
    assert page.run("document.querySelector('[data-at=\"0 0 2\"] img').getAttribute('src')") == (
        f".thumbs/{copies[0].name}"
    )
    stale = copies[0].with_name("0" * 16 + ".jpg")
    stale.write_bytes(b"old")
    before = copies[0].stat().st_mtime_ns
    write_results(sweep, rank(sweep))
    assert not stale.exists()
    assert copies[0].stat().st_mtime_ns == before


def test_each_setting_has_its_picture_and_two_have_a_map(page):
    assert texts(page, "#settings h4") == ["network_dim (logarithmic)", "learning_rate (logarithmic)",
                                           "network_dim and learning_rate"]  # fmt: skip
    assert page.run(
        "[...document.querySelectorAll('.dots')].map((one) => one.querySelectorAll('circle').length)"
    ) == [6, 6]
    assert page.run("document.querySelectorAll('.map td[style]').length") == 6
    best = page.run("document.querySelector('.map td.best').textContent")
    assert best == max(texts(page, ".map td[style]"), key=float)


def test_links_lead_to_files_that_are_there(page, sweep):
    links = page.run(
        "[...document.querySelectorAll('main a[href^=\".\"], footer a')].map((a) => a.getAttribute('href'))"
    )
    assert len(links) > 20
    for link in links:
        assert (sweep.folder / unquote(link)).is_file(), link


def test_what_to_do_next_can_be_copied_and_names_the_best(page, sweep):
    commands = texts(page, "#next pre")
    assert commands[0].startswith("lorawrap generate --project 'sweeps/")
    assert commands[0].endswith("/trials/006'")
    assert any(
        text.startswith("lorawrap sweep run ") and text.endswith(" --again failed") for text in commands
    )
    assert commands[-1].splitlines()[:2] == ["[stage_b.kohya]", "network_dim = 32"]
    page.run("document.querySelector('.copy button').click()")
    assert page.run("getSelection().toString()") == commands[0]


def test_a_telephone_needs_no_scrolling_sideways(tab, sweep):
    tab.open(sweep.folder / "sweep.html", width=390, height=844)
    assert tab.run("document.documentElement.scrollWidth") == 390


def test_a_picture_outside_of_the_trial_is_not_shown(tmp_path):
    sweep = make_sweep(tmp_path, [Made({DIM: 8}, 1)], images=1, pictures=True)
    record = sweep.trials[0].folder / "evaluation.json"
    save_png(tmp_path / f"{image_name(0)}_seed1.png", np.zeros((8, 8, 3), np.uint8))
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace("images/inpaint/stage_b/", "../../../../"), encoding="utf-8")
    write_results(sweep, rank(sweep))
    written = (sweep.folder / "sweep.html").read_text(encoding="utf-8")
    assert "./../" not in written


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([1e-5, 1e-4], True),
        ([1e-5, 5e-5, 1e-4], True),
        ([4, 8, 16, 32], True),
        ([8, 16, 32], True),
        ([16, 32], False),
        ([8, 24, 40], False),
        (list(range(100, 1100, 100)), False),
        ([0, 1, 10], False),
    ],
    ids=str,
)
def test_an_axis_is_logarithmic_where_its_values_are(values, log):
    assert is_log(values) is log


def test_values_that_are_no_numbers_are_names_and_seeds_are_too():
    assert [tick.label for tick in value_axis("a.b", ["x", "y", "x"]).ticks] == ["x", "y"]
    assert value_axis("stage_a.kohya.seed", [1, 2, 30]).names
    assert value_axis("a.b", [True, False]).names
    assert value_axis("a.b", [f"value {number}" for number in range(100)]) is None
    assert not value_axis("a.b", [1, 2.5]).names


def test_many_values_are_joined_in_twelve_means_and_long_losses_thinned():
    places = [number / 100 for number in range(100)]
    assert len(joined(places, places)) == 12
    steps, losses = thinned((list(range(1, 1001)), [1.0] * 1000), 200)
    assert (len(steps), set(losses)) == (200, {1.0})
