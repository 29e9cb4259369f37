"""Masks for a whole set: from alpha, from paint, drawn and by SAM; pairs, agreement and sheets."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset_tools.errors import UserError
from dataset_tools.masking.agreement import disagreement
from dataset_tools.masking.make import Made, make_masks
from dataset_tools.masking.marked import alpha_mask, colour_mask, parse_colour
from dataset_tools.masking.plan import MaskSettings, plan_masks
from dataset_tools.pictures.images import read_mask, read_rgb, save_png
from tests.dataset_tools.rows import values

HEIGHT, WIDTH = 90, 120
BOX = (40, 20, 70, 60)
RED = (255, 0, 0)


def photo(seed: int = 0) -> np.ndarray:
    """A soft picture with a dark red mouth at the bottom."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(60, 200, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    picture[70:80, 50:80] = (250, 4, 6)
    return picture


def painted(picture: np.ndarray) -> np.ndarray:
    marked = picture.copy()
    marked[BOX[1] : BOX[3], BOX[0] : BOX[2]] = RED
    return marked


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "фото 'é' 🙂"
    (folder / "in").mkdir(parents=True)
    for number in range(3):
        Image.fromarray(photo(number)).save(folder / "in" / f"a {number}.png")
    return folder


def boxed_manifest(photos: Path, boxes: dict[int, tuple[int, int, int, int]]) -> Path:
    rows = [
        values(image=f"in/a {number}.png", ear_side="left", ear_box=boxes.get(number)) for number in range(3)
    ]
    path = photos / "manifest.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def made(source: Path, settings: MaskSettings, sheets: Path) -> Made:
    return make_masks(plan_masks(source, settings), settings, sheets)


@pytest.mark.parametrize(("suffix", "likeness"), [(".png", 1.0), (".jpg", 0.88)])
def test_paint_is_found_and_what_had_the_colour_before_is_not(photos, tmp_path, suffix, likeness):
    marked = tmp_path / "marked"
    marked.mkdir()
    Image.fromarray(painted(photo(1))).save(
        marked / f"a 1{suffix}", **({"quality": 95} if suffix == ".jpg" else {})
    )
    done = made(photos, MaskSettings("colour", marked, RED), tmp_path / "sheets")
    (path,) = done.written
    assert path == photos / "masks" / "in" / "a 1.png"
    white = read_mask(path) == 255
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
    assert (white & inside).sum() / (white | inside).sum() >= likeness
    assert not white[70:80, 50:80].any()
    assert plan_masks(photos, MaskSettings()).without == ["in/a 0.png", "in/a 2.png"]


def test_a_transparent_part_is_the_mask_and_turns_with_exif(photos, tmp_path):
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 0
    path = tmp_path / "a.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.dstack([photo(), alpha])).save(path, exif=exif)
    assert np.array_equal(alpha_mask(path), np.rot90(255 - alpha, -1))
    with pytest.raises(UserError, match="no part of it is transparent"):
        alpha_mask(photos / "in" / "a 0.png")


def test_drawn_masks_lie_about_the_ear_and_the_sheet_shows_them(photos, tmp_path):
    source = boxed_manifest(photos, {0: BOX, 2: BOX})
    done = made(source, MaskSettings("synthetic"), tmp_path / "sheets")
    assert [path.name for path in done.written] == ["a 0.png", "a 2.png"]
    assert not done.warnings
    assert not np.array_equal(read_mask(done.written[0]), read_mask(done.written[1]))
    (sheet,) = done.sheets
    red = read_rgb(sheet).astype(int)
    assert ((red[..., 0] - red[..., 1] > 60) & (red[..., 2] < 150)).mean() > 0.02


def test_what_was_cut_off_goes_on_and_another_mask_that_is_there_is_not_written_over(photos, tmp_path):
    source = boxed_manifest(photos, {0: BOX, 1: BOX, 2: BOX})
    first = made(source, MaskSettings("synthetic"), tmp_path / "sheets")
    gone, other = first.written[0], first.written[1]
    gone.unlink()
    save_png(other, 255 - read_mask(other))
    painted = other.read_bytes()
    again = made(source, MaskSettings("synthetic"), tmp_path / "sheets")
    assert (again.written, again.kept, again.checked) == ([gone], 1, 2)
    assert other.read_bytes() == painted
    (said,) = again.problems
    assert said.startswith(f"{other}: is there already, another than is made now, and is not written over.")


def test_a_disk_that_fails_is_no_fault_of_the_masks(photos, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    source = boxed_manifest(photos, {0: BOX, 2: BOX})
    monkeypatch.setattr("dataset_tools.files.move", refuse)
    with pytest.raises(UserError, match="Read-only file system"):
        made(source, MaskSettings("synthetic"), tmp_path / "sheets")


def test_a_copy_that_belongs_to_no_picture_and_one_that_could_belong_to_two_are_named(photos, tmp_path):
    (photos / "on").mkdir()
    Image.fromarray(photo(9)).save(photos / "on" / "a 0.png")
    marked = tmp_path / "marked"
    marked.mkdir()
    for name in ("a 0.png", "b.png"):
        Image.fromarray(painted(photo())).save(marked / name)
    with pytest.raises(UserError) as caught:
        plan_masks(photos, MaskSettings("colour", marked))
    assert "several pictures have this name" in str(caught.value)
    assert "no picture has this name" in str(caught.value)


def test_one_bad_copy_does_not_keep_the_others_from_being_made(photos, tmp_path):
    marked = tmp_path / "marked"
    marked.mkdir()
    Image.fromarray(painted(photo(0))).save(marked / "a 0.png")
    Image.fromarray(painted(photo(1))[:50]).save(marked / "a 1.png")
    Image.fromarray(photo(2)).save(marked / "a 2.png")
    done = made(photos, MaskSettings("colour", marked), tmp_path / "sheets")
    assert [path.name for path in done.written] == ["a 0.png"]
    assert len(done.problems) == 2
    assert "the marked copy is 120 × 50, its picture 120 × 90 pixels" in done.problems[0]
    assert "empty" in done.problems[1]


@pytest.mark.parametrize(
    ("mask_box", "said"),
    [
        ((38, 18, 75, 66), ""),
        ((80, 20, 110, 60), "somewhere else"),
        ((60, 20, 90, 60), "covers only 33%"),
        ((0, 0, 120, 90), "9 times as large"),
    ],
)
def test_a_mask_away_from_the_ear_is_doubtful(mask_box, said):
    found = disagreement(mask_box, BOX, "m.png")
    assert said in found
    assert bool(found) == bool(said)


def test_a_colour_is_read_or_refused():
    assert parse_colour("#0A0b0c") == (10, 11, 12)
    with pytest.raises(UserError, match="'red' is not a colour"):
        parse_colour("red")


def test_nothing_is_painted_where_nothing_changed():
    assert not colour_mask(photo(), photo(), RED, 20.0).any()


def test_a_mask_that_belongs_to_no_picture_cannot_be_used(photos, tmp_path):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:60, 40:70] = 255
    (photos / "masks" / "in").mkdir(parents=True)
    for name in ("masks/in/a 0.png", "masks/in/A 1 .png", "in/a 2_mask.tif", "in/a 1_mask.png"):
        Image.fromarray(mask).save(photos / name)
    found = made(photos, MaskSettings(), tmp_path / "sheets")
    assert found.checked == 2
    alone = (photos / "in" / "a 2_mask.tif", photos / "masks" / "in" / "A 1 .png")
    assert [problem.partition(": ")[0] for problem in found.problems] == [str(path) for path in alone]
    assert all("belongs to no picture" in problem for problem in found.problems)
