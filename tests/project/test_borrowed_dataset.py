"""A project that uses another one's QC and dataset: where they lie, and who writes them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.kohya.projects import TOML, make_project
from tests.project.test_lock import another
from wrapper.cli.main import run
from wrapper.kohya.render import render_stage
from wrapper.project.load import Project, load_project
from wrapper.runs.settings import settings
from wrapper.steps.job import job

OWNER = "проект 'a' \"q\" 🙂"


@pytest.fixture
def owner(tmp_path: Path) -> Project:
    return make_project(tmp_path / "было" / OWNER)


@pytest.fixture
def borrower(owner: Project) -> Project:
    return borrow(owner.paths.root / "sweeps" / "lr" / "trials" / "001", "../../../..")


def borrow(folder: Path, of: str) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    text = TOML.replace('"a base"', '"../../../../a base"').replace('"an inp', '"../../../../an inp')
    (folder / "lorawrap.toml").write_text(
        f"{text}\n[dataset]\nof = {json.dumps(of, ensure_ascii=False)}\n", encoding="utf-8"
    )
    return load_project(folder)


def test_qc_and_dataset_lie_with_the_owner_and_nothing_else(owner: Project, borrower: Project):
    mine, theirs = borrower.paths, owner.paths
    assert (mine.dataset, mine.qc, mine.shared_cache) == (theirs.dataset, theirs.qc, theirs.cache)
    assert {mine.runs, mine.loras, mine.cache, mine.config, mine.evaluation}.isdisjoint(
        {theirs.runs, theirs.loras, theirs.cache, theirs.config, theirs.evaluation}
    )
    assert [step.name for step in job(borrower).steps] == [step.name for step in job(owner).steps][2:]


def test_a_moved_pair_is_what_it_was(owner: Project, borrower: Project, tmp_path: Path):
    before = rendered(borrower)
    shutil.move(tmp_path / "было", tmp_path / "стало")
    moved = load_project(tmp_path / "стало" / OWNER / "sweeps" / "lr" / "trials" / "001")
    assert rendered(moved) == before
    subset = "datasets.1.subsets.1.image_dir"
    assert before[subset] == "./dataset/stage_a/train/front/2_myface person"


def rendered(project: Project) -> dict[str, object]:
    made = render_stage(project, "stage_a")
    return settings(made.train_toml, made.dataset_toml, *project.paths.roots)


@pytest.mark.parametrize("command", ["build", "qc"])
def test_what_would_write_the_owners_is_refused_with_the_command_to_give(
    owner: Project, borrower: Project, command: str, capsys: pytest.CaptureFixture[str]
):
    assert run([command, "--project", str(borrower.paths.root)]) == 2
    error = capsys.readouterr().err
    assert f"its QC and dataset are those of {owner.paths.root} ([dataset] of)" in error
    assert f"lorawrap {command} --project" in error
    assert not owner.paths.qc.exists()


def test_the_owners_dataset_is_kept_from_who_would_build_it(owner: Project, borrower: Project, capsys):
    where = ["--project", str(borrower.paths.root)]
    with another(owner.paths.cache, writes=["dataset"]) as process:
        assert run(["train", "stage_a", *where]) == 2
    assert f"is at work on its dataset (process {process.pid}" in capsys.readouterr().err
    with another(owner.paths.cache, writes=["stage_a"], reads=["dataset"]):
        run(["evaluate", *where])  # fails for want of a LoRA, not for the lock
    assert "at work" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (".", "is the project itself"),
        ("nowhere 🙂", "there is no project in"),
        ("../001", "uses the dataset of another one, too"),
    ],
)
def test_a_dataset_that_cannot_be_had_is_refused(borrower: Project, of: str, said: str):
    with pytest.raises(UserError, match=said):
        borrow(borrower.paths.root.with_name("002"), of)
