"""``lorawrap qc`` on folders, manifests and projects."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from dataset_tools.pictures.images import save_png
from wrapper.cli.main import run
from wrapper.cli.options import in_project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One good photograph, a truncated one, and a text."""
    made = tmp_path / "мои фото 'x'"
    save_png(made / "good.png", np.ascontiguousarray(data.astronaut()))
    (made / "half.png").write_bytes((made / "good.png").read_bytes()[:5000])
    (made / "notes.txt").write_text("hello")
    return made


def project(folder: Path, manifest: str, qc: str = "") -> Path:
    (folder / "lorawrap.toml").write_text(
        f'[manifest]\npath = "{manifest}"\n[manifest.defaults]\nsubject = "anna"\nconsent = "C-1"\n'
        f'age = "26-30"\nview = "front"\ntype = "bust"\near_side = "both"\n{qc}',
        encoding="utf-8",
    )
    return folder


def test_photographs_that_have_to_be_exported_are_rejected_by_name_and_build_is_not_the_next_step(
    tmp_path: Path, capsys
):
    """They were passed over in silence where a project names their folder."""
    photos = tmp_path / "фото"
    photos.mkdir()
    (photos / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    assert run(["qc", "--project", str(project(tmp_path, "фото"))]) == 0
    said = capsys.readouterr().out
    assert "REJECT IMG_1.HEIC: not a picture of a known format: HEIC is not read, export it" in said
    assert said.rstrip().endswith("report.html: every picture is rejected")


def records(out: Path) -> dict[str, str]:
    lines = (out / "qc.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["path"]: line["status"] for line in map(json.loads, lines)}


def test_a_folder_needs_no_project(folder, tmp_path, capsys):
    assert run(["qc", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert records(tmp_path / "out") == {"good.png": "WARN", "half.png": "REJECT"}
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"qc.jsonl", "qcreport.csv", "report.html", ".thumbs", ".qc-cache.sqlite", ".lorawrap"}
    assert len(list((tmp_path / "out" / ".thumbs").iterdir())) == 1
    text = capsys.readouterr().out
    for wanted in (
        "REJECT        1",
        "corrupt",
        "REJECT half.png: damaged or cut short",
        "skipped 1",
        "notes.txt",
        f"next: open {tmp_path / 'out' / 'report.html'}\n",
    ):
        assert wanted in text


def test_a_second_run_within_the_folder_finds_the_same_pictures(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert run(["qc", "."]) == 0
    first = records(folder / "qc")
    assert "next: open qc/report.html\n" in capsys.readouterr().out
    assert run(["qc", "."]) == 0
    assert records(folder / "qc") == first


def test_a_preset_and_a_threshold_change_the_verdict(folder, tmp_path):
    out = str(tmp_path / "out")
    assert run(["qc", str(folder), "--out", out, "--preset", "tiny"]) == 0
    assert records(tmp_path / "out")["good.png"] == "OK"
    assert run(["qc", str(folder), "--out", out, "--set", "short_side_px_reject=600"]) == 0
    assert records(tmp_path / "out")["good.png"] == "REJECT"


def test_a_manifest_is_inspected_row_by_row(folder, tmp_path):
    row = {"image": "good.png", "subject": "anna", "consent": "C-1", "age": "26-30", "view": "front"}
    row |= {"type": "bust", "ear_side": "both"}
    (folder / "m.jsonl").write_text(json.dumps(row))
    assert run(["qc", str(folder / "m.jsonl"), "--out", str(tmp_path / "out")]) == 0
    assert records(tmp_path / "out") == {"good.png": "WARN"}


def test_without_input_the_projects_manifest_and_settings_are_used(folder, tmp_path, capsys):
    made = project(folder, ".", "[qc]\nthresholds = { short_side_px_reject = 600 }\n")
    assert run(["qc", "--project", str(made)]) == 0
    assert records(made / "qc")["good.png"] == "REJECT"
    assert "next: open " in capsys.readouterr().out
    assert run(["qc", "--project", str(made), "--set", "short_side_px_reject=100"]) == 0
    assert f"next: lorawrap build{in_project(made)}\n" in capsys.readouterr().out
    assert (made / "qc" / "report.html").is_file()
    assert run(["qc", "--project", str(made), "--set", "qc.thresholds.short_side_px_reject=500"]) == 0
    assert records(made / "qc")["good.png"] == "WARN"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["nowhere"], "no such folder"),
        (["nowhere.jsonl"], "no such manifest"),
        (["empty"], "no images in this folder"),
        (["."], "no images in this folder"),
        (["--project", "empty"], "there is no lorawrap.toml"),
        (["photos", "--preset", "foto"], "no preset 'foto'"),
        (["photos", "--set", "blur_px_rejct=1"], "Did you mean 'blur_px_reject'"),
        (["photos", "--set", "blur_px_reject"], "expected KEY=VALUE"),
        (["minor.json"], "age 15-17 with type 'full' is refused"),
        (["no consent.json"], "no consent record"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_sentence_exit_code_2_and_nothing_written(
    folder, tmp_path, monkeypatch, capsys, arguments, wanted
):
    work = tmp_path / "work"
    (work / "empty").mkdir(parents=True)
    row = {
        "image": "a.png",
        "subject": "anna",
        "age": "15-17",
        "view": "front",
        "type": "full",
        "ear_side": "both",
    }
    (work / "minor.json").write_text(json.dumps([{**row, "consent": {"id": "C", "by": "guardian"}}]))
    (work / "no consent.json").write_text(json.dumps([{**row, "age": "18-22"}]))
    save_png(work / "a.png", np.zeros((9, 9, 3), np.uint8)) if "json" in arguments[0] else None
    if arguments[0] == "photos":
        (work / "photos").symlink_to(folder, target_is_directory=True)
    monkeypatch.chdir(work)
    assert run(["qc", *arguments, "--out", "out"]) == 2
    assert wanted in capsys.readouterr().err
    assert not (work / "out").exists()
