"""``lorawrap masks``: makes, checks, shows; the pictures stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset_tools.files import content_hash
from wrapper.cli.main import run


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "мои фото"
    folder.mkdir()
    alpha = np.full((60, 80), 255, np.uint8)
    alpha[20:40, 30:50] = 0
    rgb = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(np.dstack([rgb, alpha])).save(folder / "a.png")
    Image.fromarray(rgb).save(folder / "b.jpg")
    return folder


def boxed(photos: Path) -> Path:
    """A manifest of both pictures, with a box about an ear."""
    row = {"subject": "a", "consent": "c", "age": "26-30", "view": "front", "type": "bust"}
    row |= {"ear_side": "both", "ear_box": [5, 5, 20, 30]}
    lines = [json.dumps({"image": name, **row}) for name in ("a.png", "b.jpg")]
    (photos / "m.jsonl").write_text("\n".join(lines))
    return photos / "m.jsonl"


def call(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str]:
    code = run([str(part) for part in argv])
    shown = capsys.readouterr()
    return code, shown.out + shown.err


def test_a_dry_run_writes_nothing(photos: Path, tmp_path: Path, capsys):
    code, said = call(capsys, "masks", photos, "--from", "alpha", "--dry-run")
    assert code == 0
    assert f"would make {photos / 'masks' / 'a.png'} for a.png" in said
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.png", "b.jpg"]


def test_masks_are_made_checked_and_shown_and_then_found_by_their_names(photos: Path, tmp_path: Path, capsys):
    before = {path: content_hash(path) for path in photos.iterdir()}
    code, said = call(capsys, "masks", photos, "--from", "alpha")
    assert code == 2, said  # b.jpg has no transparent part
    assert "b.jpg: no part of it is transparent" in said
    assert "wrote 1 mask" in said
    assert (tmp_path / "masks_check" / "masks_overview-01.png").is_file()
    assert {path: content_hash(path) for path in before} == before
    code, said = call(capsys, "masks", photos)
    assert code == 0
    assert "1 mask can be used, 0 cannot" in said
    assert "1 picture has no mask: b.jpg" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "sam"), "--sam-model"),
        (("--from", "colour"), "--marked"),
        (("--marked", "."), "--from alpha or --from colour"),
        (("--from", "synthetic"), "no row has an ear_box"),
        ((), "no picture has a mask"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(photos: Path, capsys, options, said):
    code, output = call(capsys, "masks", photos, *options)
    assert code == 2
    assert said in output


@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["", "dry run"])
def test_a_sam_model_that_is_none_is_told_once_before_anything_is_read(photos: Path, capsys, more):
    given = ("masks", boxed(photos), "--from", "sam", "--sam-model", "no such model", *more)
    code, said = call(capsys, *given)
    assert code == 2
    assert said.count("'no such model' is not a folder with a SAM model.") == 1


def test_a_folder_that_does_not_load_as_sam_is_told_once(photos: Path, tmp_path: Path, capsys):
    pytest.importorskip("transformers")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    given = ("masks", boxed(photos), "--from", "sam", "--sam-model", tmp_path / "model")
    code, said = call(capsys, *given)
    assert code == 2
    assert said.count("does not load as SAM") == 1
    assert not (tmp_path / "masks_check").exists()
