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

from tests.faults.campaign import ROLES, Campaign
from tests.faults.harm import HARMS
from tests.faults.stages import SAME_COMMAND, STAGES
from tests.faults.warm import Warm
from tests.faults.worlds import give_bases, make_world

MOMENTS = int(os.environ.get("LORAWRAP_FAULTS", "0"))
FEW = [
    ("qc", "kill a child"),
    ("build", "SIGTERM"),
    ("build", "Ctrl-C"),
    ("captions", "kill"),
    ("saving", "kill all"),
]
FEW_AT_A_WRITE = [("build", "lorawrap"), ("saving", "trainer")]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are found by Linux's subreapers")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory, tiny_base: Callable[..., Path]) -> Iterator[Campaign]:
    world = make_world(tmp_path_factory.mktemp("it's a world"))
    give_bases(world, tiny_base(), tiny_base(inpaint=True))
    warm = Warm(heavy=True)
    yield Campaign(world, warm)
    warm.close()


@pytest.mark.parametrize(
    ("stage", "harm"), [(stage, harm) for stage in STAGES for harm in HARMS] if MOMENTS else FEW
)
def test_what_was_cut_off_goes_on(campaign: Campaign, stage: str, harm: str):
    rng = random.Random(f"{stage} {harm}")
    for _ in range(max(MOMENTS // len(HARMS), 1)):
        assert campaign.moment(STAGES[stage], harm, rng.random(), rng).wrong == []


@pytest.mark.parametrize(
    ("stage", "role"),
    [(stage, role) for stage in STAGES if stage not in SAME_COMMAND for role in ROLES]
    if MOMENTS
    else FEW_AT_A_WRITE,
)
def test_what_was_killed_at_a_write_boundary_goes_on(campaign: Campaign, stage: str, role: str):
    count = campaign.boundaries(STAGES[stage], role)
    for at in range(1, count + 1) if MOMENTS else [count // 2]:
        assert campaign.boundary(STAGES[stage], role, at).wrong == []
