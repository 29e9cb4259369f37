"""Cut off at random moments and at write boundaries, a job ends with the files of an undisturbed run.

``LORAWRAP_FAULTS=200`` takes so many moments a stage, all stages, and every write boundary (hours);
``python -m tests.faults.campaign`` is the same with a record of each. Without it there are a few.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.faults.harm import HARMS
from tests.faults.stages import SAME_COMMAND, STAGES
from tests.faults.warm import Warm
from tests.faults.worlds import give_bases, make_world

MOMENTS = int(os.environ.get("LORAWRAP_FAULTS", "0"))
LIGHT = ("qc", "build")
"""Stages that need no torch."""
FEW = [
    ("qc", "kill"),
    ("qc", "kill a child"),
    ("build", "kill"),
    ("build", "SIGTERM"),
    ("build", "Ctrl-C"),
]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are found by Linux's subreapers")


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    warm = Warm(heavy=False)
    campaign = Campaign(make_world(tmp_path_factory.mktemp("it's a world")), warm)
    campaign.prepare("qc")
    yield campaign
    warm.close()


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory, tiny_base: Callable[..., Path]) -> Iterator[Campaign]:
    world = make_world(tmp_path_factory.mktemp("it's a world"))
    give_bases(world, tiny_base(), tiny_base(inpaint=True))
    warm = Warm(heavy=True)
    campaign = Campaign(world, warm)
    campaign.prepare("export" if MOMENTS else "render")
    yield campaign
    warm.close()


def cut_off(campaign: Campaign, stage: str, harm: str) -> None:
    rng = random.Random(f"{stage} {harm}")
    for _ in range(max(MOMENTS // len(HARMS), 1)):
        assert campaign.moment(STAGES[stage], harm, rng.random(), rng).wrong == []


def killed_at_boundaries(campaign: Campaign, stage: str, role: str, *, few: int) -> None:
    """At all of them in a campaign, else at a ``few`` at even distances."""
    count = campaign.boundaries(STAGES[stage], role)
    assert count > few
    for at in range(1, count + 1) if MOMENTS else range(count // few, count + 1, count // few):
        assert campaign.boundary(STAGES[stage], role, at).wrong == []


@pytest.mark.parametrize(
    ("stage", "harm"), [(stage, harm) for stage in LIGHT for harm in HARMS] if MOMENTS else FEW
)
def test_a_stage_that_was_cut_off_goes_on(light: Campaign, stage: str, harm: str):
    cut_off(light, stage, harm)


@pytest.mark.parametrize("stage", LIGHT)
def test_a_stage_that_was_killed_at_a_write_boundary_goes_on(light: Campaign, stage: str):
    killed_at_boundaries(light, stage, "lorawrap", few=1)


@pytest.mark.parametrize("harm", HARMS if MOMENTS else ["kill"])
@pytest.mark.parametrize("stage", [name for name in STAGES if name not in LIGHT] if MOMENTS else ["saving"])
def test_a_stage_with_a_model_that_was_cut_off_goes_on(heavy: Campaign, stage: str, harm: str):
    cut_off(heavy, stage, harm)


def test_a_training_that_was_killed_at_a_write_boundary_goes_on(heavy: Campaign):
    killed_at_boundaries(heavy, "training", "trainer", few=1)


@pytest.mark.skipif(not MOMENTS, reason="a campaign: set LORAWRAP_FAULTS")
@pytest.mark.parametrize("stage", [name for name in STAGES if name not in {*LIGHT, *SAME_COMMAND}])
def test_any_stage_that_was_killed_at_a_write_boundary_goes_on(heavy: Campaign, stage: str):
    killed_at_boundaries(heavy, stage, "lorawrap", few=1)
