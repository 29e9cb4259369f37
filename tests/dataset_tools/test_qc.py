"""From pictures to OK, WARN and REJECT, and to the two reports."""

from __future__ import annotations

import csv
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from dataset_tools.errors import UserError
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.pictures.images import save_png
from dataset_tools.quality.qc import inspect_folder, inspect_manifest, told_apart
from dataset_tools.quality.qc_record import CODES, QcRecord, Reason
from dataset_tools.quality.qc_report import SCORES, read_records, write_reports
from dataset_tools.quality.thresholds import Thresholds, load_thresholds
from tests.dataset_tools.rows import values
from tests.dataset_tools.spoiled import (
    astronaut,
    blurred,
    jpeg_bytes,
    jpeged,
    moved,
    noisy,
    photographs,
    relit,
    rippled,
)

PHOTO = load_thresholds("photo")
FIELDS = "path status reasons scores noise_sigma jpeg_quality width height duplicate_of error".split()  # noqa: SIM905


def judged(
    folder: Path, pictures: dict[str, np.ndarray | bytes], thresholds: Thresholds = PHOTO
) -> dict[str, QcRecord]:
    """Save the pictures (bytes as they are), inspect the folder, records by name."""
    for name, content in pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            save_png(path, np.ascontiguousarray(content))
    return {record.path: record for record in inspect_folder(folder, thresholds)}


def codes(record: QcRecord, of: str = "REJECT") -> set[str]:
    return {reason.code for reason in record.reasons} if record.status == of else set()


def test_good_photographs_are_not_rejected(tmp_path):
    large = {f"{name}.png": rgb for name, rgb in photographs().items() if min(rgb.shape[:2]) >= 512}
    found = judged(tmp_path, large)
    assert {name: codes(record) for name, record in found.items()} == {name: set() for name in large}
    assert {code for record in found.values() for code in codes(record, "WARN")} == {"resolution"}


SPOILED = {
    "blur": lambda p: blurred(p, 3),
    "blur ": lambda p: moved(p, 21),
    "blur under noise": lambda p: noisy(blurred(p, 3), 10),
    "noise": lambda p: noisy(p, 25),
    "blockiness": lambda p: jpeged(p, 5),
    "exposure dark": lambda p: relit(p, 0.12, 0),
    "exposure light": lambda p: relit(p, 0.2, 204),
    "exposure contrast": lambda p: relit(p, 0.1, 110),
    "resolution small": lambda p: p[:300, :300],
    "resolution enlarged": lambda p: p[::2, ::2].repeat(2, axis=0).repeat(2, axis=1),
    "aspect": lambda p: np.vstack([p[:, :256]] * 3),
    "content": lambda p: noisy(np.full_like(p, 90), 8),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_photograph_is_rejected_for_the_right_reason(tmp_path, name):
    record = judged(tmp_path, {"a.png": SPOILED[name](astronaut())})["a.png"]
    assert name.split()[0] in codes(record)
    for reason in record.reasons:
        assert reason.code in CODES
        assert reason.measure
        assert reason.value is not None
        assert reason.threshold is not None


def test_a_regular_pattern_is_a_warning(tmp_path):
    assert "moire" in codes(judged(tmp_path, {"a.png": rippled(astronaut(), 8, 3)})["a.png"], "WARN")


@pytest.mark.parametrize(
    ("level", "reasons"),
    [(7, ["content", "exposure"]), (120, ["content"]), (255, ["content", "exposure"])],
)
def test_a_blank_frame_is_said_to_be_blank_black_or_white_and_nothing_else(tmp_path, level, reasons):
    record = judged(tmp_path, {"a.png": np.full((800, 800, 3), level, np.uint8)})["a.png"]
    assert [reason.code for reason in record.reasons] == reasons


def test_the_quality_in_the_tables_counts_although_the_pixels_look_well(tmp_path):
    found = judged(
        tmp_path, {"a.jpg": jpeg_bytes(astronaut(), 20), "b.jpg": jpeg_bytes(astronaut()[::-1], 92)}
    )
    assert "jpeg_quality" in {reason.measure for reason in found["a.jpg"].reasons}
    assert (found["a.jpg"].jpeg_quality, found["b.jpg"].jpeg_quality) == (20, 92)
    assert codes(found["a.jpg"]) == {"blockiness", "resolution", "duplicate"}


def test_duplicates_name_the_first_and_only_equal_ones_are_rejected(tmp_path):
    found = judged(
        tmp_path, {"a.png": astronaut(), "b.png": astronaut(), "c.jpg": jpeg_bytes(astronaut()[:, ::-1], 90)}
    )
    assert found["a.png"].duplicate_of is None
    assert (found["b.png"].status, found["b.png"].duplicate_of) == ("REJECT", "a.png")
    assert (found["c.jpg"].status, found["c.jpg"].duplicate_of) == ("WARN", "a.png")
    assert "duplicate" in codes(found["b.png"]) & codes(found["c.jpg"], "WARN")


def test_bad_files_are_rejected_as_corrupt_with_the_cause_and_the_rest_goes_on(tmp_path):
    whole = jpeg_bytes(astronaut(), 90)
    found = judged(
        tmp_path,
        {
            "good 'n' 📷.jpg": whole,
            "half.jpg": whole[: len(whole) // 2],
            "empty.png": b"",
            "text.jpg": b"not a picture",
            "notes.txt": b"not a picture, and not called one",
            "no extension": whole[:-2] + whole[-2:],
            ".hidden.jpg": b"",
        },
    )
    assert sorted(found) == ["empty.png", "good 'n' 📷.jpg", "half.jpg", "no extension", "text.jpg"]
    for name in ("half.jpg", "empty.png", "text.jpg"):
        record = found[name]
        assert (record.status, codes(record)) == ("REJECT", {"corrupt"})
        assert record.error == record.reasons[0].message
        assert str(tmp_path) not in record.error
        assert (record.scores, record.width) == ({}, None)
    assert found["no extension"].duplicate_of == "good 'n' 📷.jpg"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_fifo_among_the_pictures_does_not_hang(tmp_path):
    save_png(tmp_path / "a.png", astronaut())
    os.mkfifo(tmp_path / "b.png")
    assert codes(inspect_folder(tmp_path, PHOTO)[1]) == {"corrupt"}


def test_a_missing_and_an_empty_folder_are_errors(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        inspect_folder(tmp_path / "nowhere", PHOTO)
    (tmp_path / "notes.txt").write_text("none here")
    with pytest.raises(UserError, match="no images in this folder"):
        inspect_folder(tmp_path, PHOTO)


def test_links_to_folders_are_followed_and_a_loop_ends(tmp_path):
    save_png(tmp_path / "real" / "a.png", astronaut())
    inside = tmp_path / "set"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    (inside / "loop").symlink_to(inside, target_is_directory=True)
    assert [record.path for record in inspect_folder(inside, PHOTO)] == ["link/a.png"]


# Manifests: the subject's box


def manifest(folder: Path, *rows: dict[str, Any]) -> list[QcRecord]:
    path = folder / "manifest.json"
    path.write_text(json.dumps(list(rows)), encoding="utf-8")
    return inspect_manifest(read_manifest(path), PHOTO)


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    """A folder with one sharp photograph of 512 px."""
    save_png(tmp_path / "a.png", astronaut())
    return tmp_path


def test_a_small_ear_is_rejected_for_type_ear_only(portrait):
    box = [100, 50, 299, 450]
    (ear,) = manifest(portrait, values(image="a.png", type="ear", ear_box=box))
    (bust,) = manifest(portrait, values(image="a.png", type="bust", ear_box=box))
    (large,) = manifest(portrait, values(image="a.png", type="ear", ear_box=[100, 50, 300, 450]))
    assert "ear_box_px" in {reason.measure for reason in ear.reasons}
    assert "framing" in codes(ear)
    assert "framing" not in {reason.code for reason in [*bust.reasons, *large.reasons]}
    assert ear.scores["framing"] > large.scores["framing"] > 0


def test_the_box_of_the_mask_serves_where_there_is_no_ear_box(portrait):
    mask = np.zeros((512, 512), np.uint8)
    mask[100:250, 0:400] = 255
    save_png(portrait / "m.png", mask)
    (record,) = manifest(portrait, values(image="a.png", type="ear", mask="m.png"))
    found = {reason.measure: reason.value for reason in record.reasons}
    assert found["ear_box_px"] == 150
    assert found["border_px"] == 0


def test_a_mask_of_another_size_and_a_box_outside_are_errors_that_name_the_sizes(portrait):
    save_png(portrait / "m.png", np.zeros((64, 32), np.uint8))
    save_png(portrait / "b.png", astronaut())
    with pytest.raises(UserError) as caught:
        manifest(
            portrait,
            values(image="a.png", mask="m.png"),
            values(image="b.png", ear_box=[0, 0, 513, 100]),
        )
    assert "the mask m.png is 32 × 64 px, its picture 512 × 512 px" in caught.value.message
    assert "ear_box [0, 0, 513, 100] lies outside the picture of 512 × 512 px" in caught.value.message


def test_an_ear_out_of_focus_in_a_sharp_picture_is_rejected(portrait):
    rgb = astronaut()
    rgb[:350, 120:400] = blurred(rgb, 4)[:350, 120:400]
    save_png(portrait / "a.png", rgb)
    (record,) = manifest(portrait, values(image="a.png", ear_box=[200, 80, 300, 220]))
    assert "blur" in codes(record)


# Drawings


def test_the_tiny_preset_accepts_drawings_and_rejects_spoiled_ones(tmp_path):
    from wrapper.demo.drawing import draw
    from wrapper.demo.people import random_portrait

    rng = random.Random(11)
    good = {f"{index:02d}.png": draw(random_portrait(rng), 64)[0] for index in range(40)}
    one = good["00.png"]
    bad = {
        "blur.png": blurred(one, 2.5),
        "noise.png": noisy(one, 25),
        "content.png": one * 0 + 128,
        "resolution.png": cv2.resize(one, (40, 40), interpolation=cv2.INTER_AREA),
        "duplicate.png": one,
    }
    found = judged(tmp_path, {**good, **bad}, load_thresholds("tiny"))
    assert {name: found[name].status for name in good} == dict.fromkeys(good, "OK")
    assert {name: Path(name).stem in codes(found[name]) for name in bad} == dict.fromkeys(bad, True)


# Processes, thresholds, reports


def test_worker_processes_give_the_same_records(tmp_path):
    pictures = {f"{i}.png": astronaut()[i : i + 100, :100] for i in range(4)}
    here = judged(tmp_path, {**pictures, "bad.png": b"x"})
    there = inspect_folder(tmp_path, PHOTO, workers=2)
    assert there == list(here.values())


def test_an_override_changes_one_threshold():
    found = load_thresholds("photo", {"blur_px_reject": 9, "moire_warn": 2.5})
    assert (found.blur_px_reject, found.moire_warn) == (9, 2.5)
    assert found.blur_px_warn == PHOTO.blur_px_warn


@pytest.mark.parametrize(
    ("preset", "overrides", "wanted"),
    [
        ("foto", {}, "Did you mean 'photo'?"),
        ("photo", {"blur_px_rejct": 1}, "Did you mean 'blur_px_reject'?"),
        ("photo", {"blur_px_reject": "high"}, "'high' is no number"),
    ],
)
def test_an_unknown_preset_or_threshold_gets_the_nearest_name(preset, overrides, wanted):
    with pytest.raises(UserError) as caught:
        load_thresholds(preset, overrides)
    assert wanted in f"{caught.value.message} {caught.value.hint}"


def test_the_reports_have_every_field_and_read_back(tmp_path):
    (tmp_path / "in").mkdir()
    records = list(judged(tmp_path / "in", {'один, "a".png': astronaut(), "=b.png": b"x"}).values())
    write_reports(records, tmp_path / "out")
    lines = (tmp_path / "out" / "qc.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(sorted(json.loads(line)) == sorted(FIELDS) for line in lines)
    assert sorted(json.loads(lines[1])["scores"]) == sorted(SCORES)
    assert read_records(tmp_path / "out" / "qc.jsonl") == records
    with (tmp_path / "out" / "qcreport.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["path"] for row in rows] == ["'=b.png", 'один, "a".png']
    assert rows[0]["codes"] == "corrupt"
    assert float(rows[1]["laplacian_variance"]) > 100


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names that are bytes")
def test_a_name_that_is_not_utf_8_goes_through_and_back(tmp_path):
    name = os.fsdecode(b"photo-\xff.png")
    (tmp_path / name).write_bytes(b"x")
    records = inspect_folder(tmp_path, PHOTO)
    write_reports(records, tmp_path / "out")
    assert read_records(tmp_path / "out" / "qc.jsonl")[0].path == name


def test_a_line_that_is_no_record_is_named(tmp_path):
    with pytest.raises(UserError, match="no QC yet"):
        read_records(tmp_path / "qc.jsonl")
    good = json.dumps(QcRecord("a", "OK", [Reason("blur", "soft")]).as_json())
    (tmp_path / "qc.jsonl").write_text(f'{good}\n{{"path": "b"}}\n')
    with pytest.raises(UserError, match="line 2"):
        read_records(tmp_path / "qc.jsonl")


def test_masks_of_pictures_are_told_of_and_not_measured(tmp_path: Path):
    for name in ("a.png", "a_mask.png", "in/b.jpg", "masks/in/b.png", "masks/lonely.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), "olive").save(path)
    pictures, others = told_apart(tmp_path)
    assert pictures == ["a.png", "in/b.jpg", "masks/lonely.png"]
    assert others == ["a_mask.png", "masks/in/b.png"]
