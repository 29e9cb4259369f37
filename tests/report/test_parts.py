"""Numbers become coordinates, pictures become small copies."""

from __future__ import annotations

import base64
import math
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.report.projects import head, mask
from wrapper.curves import FRAME, axis, chart, curve, smoothed
from wrapper.report.delivery import size
from wrapper.report.evaluation import signed
from wrapper.report.pictures import overlay, picture


def decoded(uri: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(uri.partition(",")[2])))


@pytest.mark.parametrize(
    ("high", "ticks"),
    [(0.17, [0, 0.05, 0.1, 0.15, 0.2]), (120, [0, 50, 100, 150]), (1, [0, 0.25, 0.5, 0.75, 1.0])],
)
def test_ticks_are_round_and_reach_the_highest_value(high: float, ticks: list[float]):
    assert axis(0.0, high) == ticks


def test_a_curve_stays_in_its_frame_and_leaves_out_what_is_not_finite():
    made = curve([1, 2, 3, 4], [0.2, math.nan, 0.1, math.inf], "steps", "loss")
    points = [tuple(map(float, point.split(","))) for point in made.lines[0].line.split()]
    assert len(points) == 2
    assert all(FRAME.left <= x <= FRAME.right and FRAME.top <= y <= FRAME.bottom for x, y in points)
    assert points[0] == (pytest.approx(FRAME.left + 416 / 3, abs=0.05), FRAME.top)
    assert made.y_ticks[0].at == FRAME.bottom


def test_one_point_is_no_curve():
    assert curve([1], [0.5], "steps", "loss") is None


def test_a_long_curve_is_thinned():
    assert len(curve(range(9000), [0.1] * 9000, "steps", "loss").lines[0].line.split()) <= 600


def test_smoothing_keeps_the_mean_of_neighbours():
    assert smoothed([0, 3, 0], 1.0) == [1.5, 1, 1.5]


def test_a_large_picture_becomes_a_small_upright_jpeg(tmp_path: Path):
    image = Image.new("RGB", (1200, 600), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a b.jpg", exif=exif)
    made = picture(tmp_path / "a b.jpg", "wide", 300)
    assert (made.width, made.height, made.pixelated) == (150, 300, False)
    assert decoded(made.uri).format == "JPEG"


def test_a_drawing_keeps_every_pixel(tmp_path: Path):
    path = head(tmp_path / "head.png", 3)
    made = picture(path, "head")
    assert made.pixelated
    with Image.open(path) as original:
        assert decoded(made.uri).tobytes() == original.tobytes()


def test_the_mask_is_tinted_and_the_rest_is_not(tmp_path: Path):
    image, hole = head(tmp_path / "head.png", 3), mask(tmp_path / "mask.png")
    made = decoded(overlay(image, hole, "x").uri)
    with Image.open(image) as original:
        assert made.getpixel((2, 2)) == original.getpixel((2, 2))
        assert made.getpixel((50, 35)) != original.getpixel((50, 35))


@pytest.mark.parametrize("content", [None, b"", b"not a picture"])
def test_what_is_no_picture_is_none(content: bytes | None, tmp_path: Path):
    path = tmp_path / "x.png"
    if content is not None:
        path.write_bytes(content)
    assert picture(path, "x") is None
    assert overlay(path, path, "x") is None


def test_figures_read_well():
    assert [size(12), size(4_200), size(2_500_000)] == ["12 B", "4.2 kB", "2.5 MB"]
    assert [signed(1.234), signed(-0.5)] == ["+1.23", "−0.50"]


def test_several_lines_share_axes_that_need_not_begin_at_zero():
    steps = [1.0, 2.0, 3.0]
    drawn = chart(
        {"a": (steps, [0.93, 1.0, 1.14]), "b": (steps, [1.0, 1.0, 1.0])}, "steps", "", from_zero=False
    )
    assert [line.label for line in drawn.lines] == ["a", "b"]
    assert [tick.label for tick in drawn.y_ticks] == ["0.9", "1", "1.1", "1.2"]
    level = drawn.y_ticks[1].at
    assert {point.split(",")[1] for point in drawn.lines[1].line.split()} == {f"{level:.1f}"}
    assert drawn.lines[0].colour != drawn.lines[1].colour
    assert chart({"a": ([1.0], [1.0])}, "steps", "") is None
