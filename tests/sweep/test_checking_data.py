"""Settings of datasets that cannot be built: told with the trial and its value, before anything is built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dataset_tools.building.dataset import RECORD_FILE
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.quality.qc_report import write_reports
from tests.dataset_tools.test_build import Photos, records_of
from wrapper.cli.main import run

PROJECT = """
[manifest]
path = "manifest.json"
[qc]
preset = "tiny"
thresholds = { noise_sigma_reject = 999.0, blur_px_reject = 9.0, motion_px_reject = 9.0 }
[crop]
size = 64
"""
BAD = 'captions.template="{{ trigger }}, photo","{{ trigger }}, {{ hair }}","{% if %}"'
WRONG = (
    'the dataset of trial 002 (template = "{{ trigger }}, {{ hair }}")',
    "captions.template: 'hair' is undefined",
    'the dataset of trial 003 (template = "{% if %}")',
    "captions.template: Expected an expression",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two photographs to train on and one held out, not through QC yet."""
    photos = Photos(tmp_path / "проект 'é' 🙂")
    photos.add("a")
    photos.add("b", view="profile_left")
    photos.add("held", split="holdout")
    photos.manifest()
    (photos.root / "lorawrap.toml").write_text(PROJECT, encoding="utf-8")
    return photos.root


Sweep = Callable[..., tuple[int, str]]


@pytest.fixture
def sweep(project: Path, capsys: pytest.CaptureFixture[str]) -> Sweep:
    def sweep(*more: str) -> tuple[int, str]:
        code = run(["sweep", "run", "s", "--project", str(project), *more])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return sweep


def files(project: Path) -> list[Path]:
    return sorted(project.rglob("*"))


def test_a_dry_run_finds_it_with_the_projects_qc(project: Path, sweep: Sweep):
    write_reports(records_of(read_manifest(project / "manifest.json")), project / "qc")
    before = files(project)
    code, said = sweep("--grid", BAD, "--dry-run")
    assert code == 2
    assert "2 of 3 datasets would not be built:" in said
    assert [text for text in WRONG if text not in said] == []
    assert files(project) == before


def test_nothing_is_built_while_another_dataset_cannot_be(project: Path, sweep: Sweep):
    code, said = sweep("--grid", BAD)
    assert code == 2
    assert [text for text in WRONG if text not in said] == []
    assert list(project.rglob(RECORD_FILE)) == []
    assert list(project.rglob("trial.json")) == []


def test_without_qc_a_dry_run_says_what_it_could_not_check(project: Path, sweep: Sweep):
    code, said = sweep("--grid", BAD, "--dry-run")
    assert (code, "3 trials could not be checked to the end" in said) == (0, True)
