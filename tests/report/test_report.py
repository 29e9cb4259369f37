"""The page holds everything, says what is missing, and cannot be made to run anything."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from dataset_tools.files import write_text
from tests.report.projects import HOSTILE, make_project
from wrapper.project.load import Project, load_project
from wrapper.report.report import CONTENTS, render, write_report
from wrapper.report.training import training_part

VOID = {"meta", "img", "br", "line", "polyline"}


class Page(HTMLParser):
    """Collects what a page is made of, and whether its tags close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("лица & 'ears' 🙂"))


@pytest.fixture(scope="module")
def page(project: Project) -> Page:
    return Page(render(project))


def copy(project: Project, folder: Path) -> Project:
    shutil.copytree(project.paths.root, folder / "copy")
    return load_project(folder / "copy")


def test_it_is_one_file_that_loads_nothing(project: Project, page: Page):
    path = write_report(project)
    assert path.stat().st_size < 1_000_000
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"} == set()
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "data"):
            if name in attributes and tag != "a":
                assert str(attributes[name]).startswith("data:image/"), (tag, attributes)
    assert not re.search(r"url\(|@import", path.read_text(encoding="utf-8"))
    assert all(str(a.get("href", "#")).startswith("#") for tag, a in page.tags if tag == "a")


def test_it_is_well_formed_and_every_link_of_the_contents_leads_somewhere(page: Page):
    assert page.unbalanced == []
    assert page.open == []
    anchors = {attributes.get("id") for _, attributes in page.tags}
    assert {anchor for anchor, _ in CONTENTS} <= anchors


def test_what_users_wrote_is_shown_and_never_run(page: Page):
    assert "alert(1)" in page.text
    assert page.text.count(HOSTILE.split(" & ")[1]) >= 5


def test_the_verdict_is_on_top_with_pictures_and_figures(page: Page):
    first = page.text.index("The LoRA works: what it paints into the hole is 3.7 dB closer to the truth.")
    assert first < page.text.index("Inpainting of held-out images")
    assert "14.5 → 18.2 dB" in page.text
    assert "held_2: its gain is the median of 5 held-out images." in page.text


@pytest.mark.parametrize(
    ("gain", "headline"),
    [
        (-2.5, "The LoRA makes it worse, by 2.5 dB inside the mask."),
        (0.2, "It is not shown that the LoRA helps."),
    ],
)
def test_bad_numbers_are_said_plainly(gain: float, headline: str, tmp_path: Path):
    assert headline in Page(render(make_project(tmp_path, gain))).text


@pytest.mark.parametrize(
    "words",
    [
        "9 passed",
        "2 rejected",
        "Soft: sharpness 0.31, wanted 0.4.",
        "no consent",
        "5 images are held out",
        "9 images, 25 an epoch, imbalance left: 12.5 %",
        "learning_rate 0.0001 lorawrap.toml",
        "120 of 120 planned",
        "time: 1:05",
        "18.20 ± 1.10",
        "Largest change outside the mask: 0 of 255.",
        "<lora:myface_stage_a:1> myface person",
        "every key has its layer",
        "2.13.0+cpu",
    ],
)
def test_the_facts_are_there(words: str, page: Page):
    assert words in page.text


def test_one_step_that_was_logged_is_told_without_a_curve(tmp_path: Path):
    project = make_project(tmp_path)
    event = {"step": 6, "steps": 6, "loss": 1.12, "elapsed_s": 0}
    write_text(project.paths.run("stage_a").events, json.dumps(event) + "\n")
    write_text(project.paths.run("stage_b").events, "")
    words = Page(render(project)).text
    assert "running mean of the loss: 1.1200 at first, 1.1200 at the end" in words
    assert words.count("No loss was logged.") == 1


def test_what_the_user_set_stands_out_from_presets(project: Project):
    settings = {setting.key: setting.by_user for setting in training_part(project.paths)[0].settings}
    assert settings == {
        "network_dim": False,
        "learning_rate": True,
        "optimizer_type": False,
        "max_bucket": False,
        "resolution": False,
        "batch_size": False,
    }


def test_no_folder_of_this_machine_is_told(project: Project):
    assert str(project.paths.root) not in render(project)
    assert "/somewhere" not in render(project)


def test_pictures_are_inside_with_words_for_those_who_cannot_see_them(page: Page):
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) >= 5 * 5 + 4 + 8 + 11
    assert all(attributes["alt"] for attributes in images)
    assert "no picture" in page.text  # photos/gone.png


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("qc", "QC was not run"),
        ("dataset", "The dataset was not built"),
        ("runs/stage_b-001", "Stage B · inpaint LoRA was not trained"),
        ("images/txt2img.json", "No pictures were generated"),
        ("evaluation.json", "Nothing was measured"),
        ("export", "Nothing was exported"),
        ("runs", "no versions were recorded"),
    ],
)
def test_a_missing_part_is_named(gone: str, said: str, project: Project, tmp_path: Path):
    left = copy(project, tmp_path)
    target = left.paths.root / gone
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink()
    assert said in Page(render(left)).text


def test_an_empty_project_has_a_page_too(tmp_path: Path):
    (tmp_path / "lorawrap.toml").write_text("")
    page = Page(render(load_project(tmp_path)))
    assert "Not measured yet" in page.text
    assert page.unbalanced == []


def test_without_stage_b_the_page_says_so_and_judges_stage_a(project: Project, tmp_path: Path):
    left = copy(project, tmp_path)
    record = json.loads(left.paths.evaluation.read_text())
    del record["masked"]["stage_b"]
    record["verdict"]["candidate"] = "stage_a"
    record["per_image"] = [row for row in record["per_image"] if row["variant"] != "stage_b"]
    for row in record["pictures"]:
        del row["stage_b"]
    left.paths.evaluation.write_text(json.dumps(record))
    text = Page(render(left)).text
    assert "Not there, because not trained: with Stage B." in text
    assert "14.5 → 16.8 dB" in text


def test_a_broken_record_is_named(project: Project, tmp_path: Path):
    left = copy(project, tmp_path)
    left.paths.evaluation.write_text("{")
    with pytest.raises(UserError, match=r"evaluation\.json: cannot be read for the report"):
        render(left)
