"""Cut off at random moments and at write boundaries, a job ends with the files of an undisturbed run.

``LORAWRAP_FAULTS=200`` takes so many moments a stage, all stages, and every write boundary;
``python -m tests.faults.campaign`` is the same with a record of each.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator

import pytest

from tests.faults.campaign import Campaign
from tests.faults.harm import HARMS
from tests.faults.stages import SAME_COMMAND, STAGES
from tests.faults.warm import Warm
from tests.faults.worlds import make_world

MOMENTS = int(os.environ.get("LORAWRAP_FAULTS", "0"))
LIGHT = ("qc", "build")
"""Stages that need no torch: these are looked at in every run of the tests."""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are found by Linux's subreapers")


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    warm = Warm(heavy=False)
    campaign = Campaign(make_world(tmp_path_factory.mktemp("it's a world"), bases=False), warm)
    campaign.prepare("qc")
    yield campaign
    warm.close()


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    warm = Warm(heavy=True)
    campaign = Campaign(make_world(tmp_path_factory.mktemp("it's a world")), warm)
    campaign.prepare("export" if MOMENTS else "evaluate")
    yield campaign
    warm.close()


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("stage", LIGHT)
def test_a_stage_that_was_cut_off_goes_on(light: Campaign, stage: str, harm: str):
    rng = random.Random(f"{stage} {harm}")
    for _ in range(max(MOMENTS // len(HARMS), 1)):
        assert light.moment(STAGES[stage], harm, rng.random(), rng).wrong == []


@pytest.mark.parametrize("stage", LIGHT)
def test_a_stage_that_was_killed_at_a_write_boundary_goes_on(light: Campaign, stage: str):
    every_boundary(light, stage, "lorawrap", few=2)


@pytest.mark.slow
@pytest.mark.skipif(not MOMENTS, reason="a campaign: set LORAWRAP_FAULTS")
@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("stage", [name for name in STAGES if name not in LIGHT])
def test_a_stage_with_a_model_that_was_cut_off_goes_on(heavy: Campaign, stage: str, harm: str):
    rng = random.Random(f"{stage} {harm}")
    for _ in range(MOMENTS // len(HARMS)):
        assert heavy.moment(STAGES[stage], harm, rng.random(), rng).wrong == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "role"),
    [("training", "lorawrap"), ("training", "trainer"), ("export", "lorawrap")],
)
def test_a_stage_with_a_model_goes_on_after_a_write_boundary(heavy: Campaign, stage: str, role: str):
    assert stage not in SAME_COMMAND
    every_boundary(heavy, stage, role, few=2)


def every_boundary(campaign: Campaign, stage: str, role: str, *, few: int) -> None:
    """All of them in a campaign, else a ``few`` at even distances."""
    count = campaign.boundaries(STAGES[stage], role)
    assert count > few
    for at in range(1, count + 1, 1 if MOMENTS else count // few):
        assert campaign.boundary(STAGES[stage], role, at).wrong == []
