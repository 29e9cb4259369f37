"""``lorawrap build`` from the command line: what it prints, what it writes, how it fails."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from dataset_tools.building.dataset import read_dataset
from dataset_tools.errors import UserError
from dataset_tools.quality.qc_record import Reason
from dataset_tools.quality.qc_report import write_reports
from tests.dataset_tools.test_build import Photos, records_of
from wrapper.cli.build import command, table
from wrapper.cli.main import run
from wrapper.cli.options import in_project

PROJECT = """
[manifest]
path = "manifest.json"
[crop]
size = 64
[balance]
by = ["view"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with three photographs for training, one held out, one rejected, and their QC results."""
    photos = Photos(tmp_path / "проект 'é' 🙂")
    photos.add("a")
    photos.add("b")
    photos.add("side", view="profile_left")
    photos.add("held", split="holdout")
    photos.add("bad")
    rejected = {"status": "REJECT", "reasons": [Reason("blur", "blurred by 4 px")]}
    write_reports(records_of(photos.manifest(), bad=rejected), photos.root / "qc")
    (photos.root / "lorawrap.toml").write_text(PROJECT, encoding="utf-8")
    return photos.root


def build(project: Path, *options: str) -> Result:
    return CliRunner().invoke(command, ["--project", str(project), *options], catch_exceptions=False)


def test_it_prints_the_plan_and_writes_the_dataset(project: Path):
    output = build(project).output
    assert (
        "Stage A: 4 images an epoch, imbalance 0.0%\n"
        "  bucket        images  × repeats  = an epoch  share  wanted\n"
        "  front              2        × 1           2  50.0%   50.0%\n"
        "  profile_left       1        × 2           2  50.0%   50.0%\n"
        "Stage B: 4 images an epoch, imbalance 0.0%\n"
    ) in output
    assert "Held out: 1 image (front 1)\n" in output
    assert "Left out: 1 image\n  photos/bad.png: QC REJECT: blurred by 4 px\n" in output
    assert output.endswith(f"dataset: written.\nnext: lorawrap render{in_project(project)}\n")
    assert read_dataset(project / "dataset").size == 64
    assert "nothing changed, nothing was written.\nnext: lorawrap render" in build(project).output


def test_a_dry_run_writes_nothing(project: Path):
    before = sorted(project.rglob("*"))
    output = build(project, "--dry-run").output
    assert "Stage A: 4 images an epoch" in output
    assert output.endswith(f"this was a dry run.\nnext: lorawrap build{in_project(project)}\n")
    assert sorted(project.rglob("*")) == before


def test_class_images_come_from_the_projects_folder(project: Path):
    (project / "class").mkdir()
    Image.new("RGB", (70, 90), "olive").save(project / "class" / "x.png")
    output = build(
        project, "--set", "regularisation.source=folder", "--set", "regularisation.folder=class"
    ).output
    assert "  regularisation       1        × 1           1\n" in output
    assert read_dataset(project / "dataset").stages["stage_a"][-1].image_dir == "stage_a/reg/1_person"


def test_class_images_that_would_be_generated_are_not_in_a_dry_run(project: Path):
    output = build(project, "--dry-run", "--set", "regularisation.source=generate").output
    assert "Class images would be generated" in output


def test_without_qc_the_next_command_is_named(project: Path, capsys: pytest.CaptureFixture[str]):
    (project / "qc" / "qc.jsonl").unlink()
    assert run(["build", "--project", str(project)]) == 2
    error = capsys.readouterr().err
    assert "have not been through QC" in error
    assert "lorawrap qc" in error
    assert not (project / "dataset").exists()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("regularisation.source=folder", "has no images in it|is not a folder"),
        ("balance.by=['veiw']", "'veiw' is neither a bucket key nor a tag"),
        ("captions.source=blip", "not a folder with a BLIP model"),
        ("captions.template=portait", "no template 'portait'"),
    ],
)
def test_a_wrong_setting_is_one_sentence(project: Path, override: str, words: str):
    (project / "empty").mkdir()
    extra = ("--set", "regularisation.folder=empty")
    with pytest.raises(UserError, match=words):
        build(project, "--set", override, *extra)
    assert not (project / "dataset").exists()


def test_columns_line_up():
    assert list(table([("a", "1"), ("bbb", "22")])) == ["  a     1", "  bbb  22"]


def test_a_photograph_that_changed_after_qc_is_named(project: Path, capsys):
    """Saved again at its own size; what was only touched is not."""
    judged = (project / "qc" / "qc.jsonl").read_bytes()
    assert run(["qc", "--project", str(project)]) == 0
    (project / "qc" / "qc.jsonl").write_bytes(judged)  # noise like this passes no preset
    time.sleep(0.01)
    os.utime(project / "photos" / "b.png")
    assert run(["build", "--project", str(project), "--dry-run"]) == 0
    photo = project / "photos" / "a.png"
    Image.open(photo).transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(photo)
    assert run(["build", "--project", str(project), "--dry-run"]) == 2
    error = capsys.readouterr().err
    assert "photos/a.png: was changed after QC" in error
    assert "b.png" not in error
    assert "lorawrap qc" in error
