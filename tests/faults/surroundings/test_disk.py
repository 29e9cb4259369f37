"""The disk is full, can be read only, or goes away: one sentence, nothing lost, and later it goes on.

``LORAWRAP_FAULTS=N`` fills the disk at N points of each of the two stages; `campaign` does all stages.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.surroundings import refusals
from tests.faults.surroundings.campaign import filled, templates
from tests.faults.surroundings.disk import why_not
from tests.faults.surroundings.forked import Forge, forge
from tests.faults.surroundings.project import STAGES

POINTS = int(os.environ.get("LORAWRAP_FAULTS", "1"))
pytestmark = pytest.mark.skipif(bool(why_not()), reason=f"no disk of one's own can be mounted: {why_not()}")


@pytest.fixture(scope="module")
def worker() -> Iterator[Forge]:
    with forge(("cv2", "scipy.ndimage", "wrapper.cli.qc", "wrapper.cli.build")) as worker:
        yield worker


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A project that is ready for each of the first two stages, and one that has been built."""
    return dict(templates(tmp_path_factory.mktemp("готово"), "train"))


@pytest.fixture
def asked(before: dict[str, Path], tmp_path: Path):
    """What a trial of a stage is told; with ``of`` the project is as it is before that stage."""

    def of_stage(stage: str, of: str = "") -> dict[str, object]:
        return {
            "template": str(before[of or stage]),
            "place": str(tmp_path / "диск"),
            "argv": STAGES[stage],
        }

    return of_stage


@pytest.mark.parametrize("stage", ["qc", "build"])
def test_a_disk_that_fills_loses_nothing_and_the_command_goes_on(worker, before, tmp_path, stage):
    found = list(filled(worker, stage, before[stage], tmp_path / "диск", POINTS))
    assert [(point, wrong) for point, wrong in found if wrong] == []


def test_a_project_that_can_only_be_read_is_a_sentence(worker, asked):
    found = worker.trial("drives.disturbed", **asked("build"), what="only_read")
    assert (found["code"], found["changed"], found["again"]) == (2, [], 0)
    assert "Read-only file system" in found["said"]


def test_photographs_that_can_only_be_read_are_enough(worker, asked):
    found = worker.trial("photographs_read_only", **asked("build"))
    assert (found["code"], found["again"]) == (0, 0)


@pytest.mark.skipif(bool(refusals.why_not()), reason=refusals.why_not())
def test_where_there_are_no_links_and_no_locks_build_copies(worker, asked):
    found = worker.trial("limits.refused", **asked("build"), what="no locks nor links")
    assert (found["code"], found["again"], found["left"]) == (0, 0, [])
    assert found["first"] == found["made"]


@pytest.mark.parametrize("stage", ["qc", "build"])
def test_what_was_built_stays_when_the_photographs_are_gone(worker, asked, stage):
    found = worker.trial("photographs_gone", **asked(stage, of="train"))
    assert (found["code"], found["changed"], found["lost"], found["again"]) == (2, [], [], 0)
    assert "no image" in found["said"]


def test_photographs_that_go_away_within_qc_are_not_rejected(worker, asked):
    found = worker.trial("photographs_gone", **asked("qc"), when="qc/.qc-cache.sqlite")
    assert (found["code"], found["again"]) == (2, 0)
    assert "was there when QC began, and is gone" in found["said"]


@pytest.mark.skipif(not shutil.which("mkfs.ext4") or not Path("/dev/loop-control").exists(), reason="no loop")
@pytest.mark.parametrize("stage", ["qc", "build"])
def test_photographs_that_their_drive_does_not_give_are_not_rejected(worker, asked, stage):
    found = worker.trial("photographs_unanswered", **asked(stage))
    assert (found["code"], found["changed"], found["lost"], found["again"]) == (2, [], [], 0)
    assert "Input/output error" in found["said"]
    assert stage == "build" or "The drive does not answer" in found["said"]


def test_a_project_that_goes_away_is_no_bug_and_no_hang(worker, asked):
    when = ".part-dataset*/*/*/*/*"
    found = worker.trial("drives.disturbed", **asked("build"), what="pull", when=when)
    assert (found["code"], found["broken"], found["again"], found["left"]) == (2, [], 0, [])
    assert found["strewn"] == []


def test_memory_that_is_used_up_is_a_sentence_and_nothing_is_lost(worker, asked):
    found = worker.trial("no_memory", **asked("build"), limit_mb=1)
    assert "The computer's memory is used up." in found["said"]
    assert (found["code"], found["lost"], found["broken"], found["again"]) == (2, [], [], 0)
