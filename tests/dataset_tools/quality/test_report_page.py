"""``report.html``: what it is told, what a name can do to it, and its small copies."""

from __future__ import annotations

import json
import os
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from PIL import Image
from skimage import data

from dataset_tools.pictures.images import save_png
from dataset_tools.quality.measure import Measures
from dataset_tools.quality.page.columns import COLUMNS, values
from dataset_tools.quality.page.groups import duplicate_groups
from dataset_tools.quality.page.page import PAGE, as_script, write_page
from dataset_tools.quality.page.thumbnails import (
    FOLDER,
    MAX_SIDE_PX,
    save_thumbnail,
    small_copy,
    thumbnail_name,
)
from dataset_tools.quality.qc import inspect_folder, load_thresholds
from dataset_tools.quality.qc_record import QcRecord, Reason
from dataset_tools.quality.thresholds import Thresholds
from dataset_tools.quality.verdict import scores, values_of

PHOTO = load_thresholds()
NAMES = (
    "<script>alert(1)</script>.jpg",
    "</script><img src=x onerror=alert(1)>.png",
    "\"quotes\" & 'apostrophes' `${1}`.jpg",
    "улыбка 😀.png",
    "percent%20 #hash ?query.jpg",
    "javascript:alert(1)",
    os.fsdecode(b"bytes-\xff\xfe.jpg"),
    "<!-- <script .jpg",
    "</script x.png",
)


def record(path: str, original: str | None = None, similarity: float = 1.0, **more: object) -> QcRecord:
    reasons = [Reason("duplicate", f"like {original}", "similarity", similarity, 0.9)] if original else []
    return QcRecord(path, "WARN" if original else "OK", reasons, duplicate_of=original, **more)


def render(records: list[QcRecord], thresholds: Thresholds, folder: Path, out: Path) -> str:
    write_page(records, thresholds, folder, out)
    return (out / PAGE).read_text(encoding="utf-8")


def page_data(records: list[QcRecord], thresholds: Thresholds, folder: Path, out: Path) -> dict[str, Any]:
    return json.loads(Elements(render(records, thresholds, folder, out)).data)


class Elements(HTMLParser):
    """Start tags, and the text of the element ``#data``."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.data = ""
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._inside = ("id", "data") in attrs
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, text):
        self.data += text if self._inside else ""


def test_no_name_becomes_markup_and_every_link_leads_to_its_file(tmp_path):
    folder, out = tmp_path / 'фото <b> "1"', tmp_path / "out"
    records = [QcRecord(name, "REJECT", [Reason("corrupt", f"{name}: <b>")]) for name in NAMES]
    page = Elements(render(records, PHOTO, folder, out))
    plain = Elements(render([record("a.png")], PHOTO, tmp_path / "b", out))
    assert page.tags == plain.tags
    assert page.addresses == []
    told = json.loads(page.data)
    assert [os.fsdecode(unquote_to_bytes(one["link"])) for one in told["pictures"]] == list(NAMES)
    assert (out / os.fsdecode(unquote_to_bytes(told["folder"]))).resolve() == folder
    assert told["folder"].startswith("./")
    assert told["pictures"][1]["name"] == NAMES[1]
    assert told["pictures"][6]["name"] == "bytes-\\udcff\\udcfe.jpg"


def test_data_cannot_end_its_element():
    assert as_script("</script ><!--&amp;\u2028") == '"\\u003c/script \\u003e\\u003c!--\\u0026amp;\\u2028"'


def test_the_page_is_text_in_utf_8_whatever_the_names(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    write_page([record(name) for name in NAMES], PHOTO, folder, tmp_path / "out")
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.skipif(sys.platform != "linux", reason="needs paths without drives")
def test_pictures_in_the_folder_of_the_report_are_linked_too(tmp_path):
    assert page_data([record("a")], PHOTO, tmp_path, tmp_path)["folder"] == "././"


MEASURES = Measures(
    width=2000,
    height=1500,
    short_side_px=1500,
    aspect=4 / 3,
    repeated=1.0,
    enlarged=-5.0,
    enlargement=1.0,
    blur_px=-2.0,
    motion_px=-2.0,
    laplacian_variance=100.0,
    noise_sigma=0.0,
    blockiness=0.0,
    resized_blocks=0.0,
    jpeg_quality=None,
    moire=0.0,
    dark=0.0,
    light=0.0,
    clipped=0.0,
    contrast=0.0,
    colour_range=255.0,
    bars=0.0,
    grey_fill=0.0,
)
LIMITS = [(column, line) for column in COLUMNS for line in column.lines]


@pytest.mark.parametrize(
    ("column", "line"), LIMITS, ids=[f"{column.key}-{line.measure}" for column, line in LIMITS]
)
def test_a_measure_at_its_limit_lies_on_its_line(column, line):
    """Columns and verdict agree: what a limit rejects is drawn beyond the line that stands for it."""
    limit = PHOTO.limit(line.measure, "reject") or PHOTO.limit(line.measure, "warn")
    box = (100, 100, 100 + round(limit), 400) if line.measure == "ear_box_px" else None
    changed = {line.measure: limit} if line.measure in Measures._fields else {}
    if line.measure == "short_side_px":
        changed |= {"width": round(limit) + 100, "height": round(limit)}
    elif line.measure == "aspect":
        changed |= {"width": round(1500 * limit)}
    elif line.measure == "jpeg_quality":
        changed = {"jpeg_quality": round(limit)}
    measured = MEASURES._replace(**changed)
    named = scores(measured, values_of(measured, box, is_ear=box is not None))
    made = QcRecord(
        "a",
        "OK",
        scores=named,
        jpeg_quality=measured.jpeg_quality,
        width=measured.width,
        height=measured.height,
    )
    assert column.of(made) == pytest.approx(line.on_axis(limit), abs=2e-3)


def test_limits_come_with_their_weight_and_one_that_is_off_is_not_drawn(tmp_path):
    thresholds = Thresholds(blur_px_warn=0.2, blur_px_reject=0.5, colour_range_reject=51)
    told = {column["key"]: column for column in page_data([], thresholds, tmp_path, tmp_path)["columns"]}
    blur = [
        {"level": "warn", "label": "", "at": 0.2},
        {"level": "reject", "label": "", "at": 0.5},
    ]
    assert told["blur"]["limits"] == blur
    assert told["content"]["limits"] == [{"level": "reject", "label": "colours", "at": 0.8}]
    assert told["noise"]["limits"] == []


def test_what_cannot_be_decoded_has_no_values():
    assert set(values(QcRecord("a", "REJECT"))) == {None}


def test_groups_begin_with_the_best_copy_and_follow_chains():
    records = [
        record("a"),
        record("b", "d", 0.95),
        record("c", "b", 0.99),
        record("d"),
        record("e", "a"),
        record("f", "not here"),
    ]
    assert duplicate_groups(records) == [[0, 4], [3, 2, 1]]


def test_a_ring_of_duplicates_is_one_group():
    assert duplicate_groups([record("a", "b"), record("b", "c"), record("c", "b")]) == [[1, 0, 2]]


def photographs(folder: Path) -> Path:
    save_png(folder / "a b/good.png", np.ascontiguousarray(data.astronaut()))
    save_png(folder / "tiny.png", np.zeros((5, 9, 3), np.uint8))
    (folder / "half.png").write_bytes((folder / "a b/good.png").read_bytes()[:5000])
    return folder


def test_small_copies_are_made_from_the_pictures_that_decode(tmp_path):
    folder, out = photographs(tmp_path / "in"), tmp_path / "out"
    records = inspect_folder(folder, PHOTO, 1, out / FOLDER)
    told = page_data(records, PHOTO, folder, out)
    made = {one["name"]: one["thumbnail"] for one in told["pictures"]}
    assert made["half.png"] is None
    with Image.open(out / told["thumbnails"] / made["a b/good.png"]) as small:
        assert (small.format, small.size) == ("JPEG", (MAX_SIDE_PX, MAX_SIDE_PX))
        mean = np.asarray(small).mean((0, 1))
    assert mean == pytest.approx(data.astronaut().mean((0, 1)), abs=3)
    with Image.open(out / told["thumbnails"] / made["tiny.png"]) as small:
        assert small.size == (9, 5)


@pytest.mark.parametrize("shape", [(1, 5000, 3), (5000, 1, 3), (3, 161, 3)])
def test_a_line_of_pixels_has_a_small_copy_too(tmp_path, shape):
    save_thumbnail(small_copy(np.zeros(shape, np.uint8)), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as small:
        assert max(small.size) == MAX_SIDE_PX


def test_small_copies_of_earlier_pictures_go_and_other_files_stay(tmp_path):
    thumbnails = tmp_path / "out" / FOLDER
    for name in (thumbnail_name("old.png"), thumbnail_name("a.png"), "my own.jpg"):
        save_thumbnail(small_copy(np.zeros((9, 9, 3), np.uint8)), thumbnails / name)
    write_page([record("a.png")], PHOTO, tmp_path, tmp_path / "out")
    assert {path.name for path in thumbnails.iterdir()} == {thumbnail_name("a.png"), "my own.jpg"}


def test_a_report_within_the_inspected_folder_is_not_inspected(tmp_path):
    folder = photographs(tmp_path / "in")
    first = inspect_folder(folder, PHOTO, 1, folder / "qc" / FOLDER)
    second = inspect_folder(folder, PHOTO, 1, folder / "qc" / FOLDER)
    assert [one.path for one in second] == [one.path for one in first]
