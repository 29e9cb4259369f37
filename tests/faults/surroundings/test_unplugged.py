"""A disk is pulled out while a command is at work, or turns read-only, and comes back: the command goes on.

``LORAWRAP_FAULTS=N`` asks for it: every command, at N moments each. `test_disk` has one that is cheap.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.surroundings.campaign import templates
from tests.faults.surroundings.commands import COMMANDS
from tests.faults.surroundings.disk import why_not
from tests.faults.surroundings.forked import Forge, forge

MOMENTS = int(os.environ.get("LORAWRAP_FAULTS", "0"))
pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=f"no disk of one's own can be mounted: {why_not()}"),
    pytest.mark.skipif(not MOMENTS, reason="minutes; LORAWRAP_FAULTS=N asks for it, N moments each"),
]
STATE = "runs/stage_a-001/output/*-step00000002-state"
SWEEPS = {"sweep"}
"""Its trials are processes that begin from nothing: the `campaign` does it."""
BAD = ("broken", "lost", "left", "changed", "strewn")
WITHIN = [("pull", "away"), ("pull", "dead"), ("only_read", "dead")]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each stage a project that has all of those before it."""
    return dict(templates(tmp_path_factory.mktemp("готово"), "report", full=True))


@pytest.fixture(scope="module")
def worker() -> Iterator[Forge]:
    with forge() as worker:
        yield worker


@pytest.fixture(scope="module")
def real() -> Iterator[Forge]:
    """Its commands start their trainers as a user's do, through accelerate."""
    with forge(()) as worker:
        yield worker


def asked(ready: dict[str, Path], place: Path, name: str) -> dict[str, Any]:
    of = COMMANDS[name]
    return {"template": str(ready[of.ready]), "place": str(place / "диск"), "argv": list(of.argv)}


def faults(found: dict[str, Any]) -> list[str]:
    """What is wrong with how a command met the fault, and went on."""
    wrong = [f"{name}: {found[name]}" for name in BAD if found.get(name)]
    if found["code"] not in (0, 1, 2) or "Traceback" in found["said"]:
        wrong.append(f"exit code {found['code']}: {found['said']}")
    return wrong + ([f"again {found['again']}: {found['said again']}"] if found.get("again") else [])


def different(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Files that are not as they are undisturbed; of TensorBoard's the names tell times."""
    names = {name for name in {*found["made"], *wanted["made"]} if "tensorboard/" not in name}
    return sorted(name for name in names if found["made"].get(name) != wanted["made"].get(name))


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in SWEEPS])
def test_a_command_goes_on_when_its_disk_is_back(worker: Forge, ready, tmp_path, name):
    given, again = asked(ready, tmp_path / "0", name), COMMANDS[name].next()
    place = Path(given["place"]).parent  # the same for all: files name it
    undisturbed = worker.trial("drives.undisturbed", **given)
    whens: list[float | None] = [None]
    whens += [undisturbed["took"] * (number + 0.5) / MOMENTS for number in range(MOMENTS)]
    for what, kind, when in ((*two, when) for two in WITHIN for when in whens):
        shutil.rmtree(place)
        found = worker.trial("drives.disturbed", **given, what=what, kind=kind, when=when, again=again)
        assert (what, kind, when, faults(found), different(found, undisturbed)) == (what, kind, when, [], [])


INTO = [(name, into) for name, of in COMMANDS.items() for into in of.writes if name not in SWEEPS]


@pytest.mark.parametrize(("name", "into"), [one for one in INTO if one != ("build", "dataset")])
def test_a_folder_that_can_only_be_read_is_told(worker: Forge, ready, tmp_path, name, into):
    """A dataset is replaced whole, which no mount point can be: `test_disk` has a project on such a disk."""
    given = asked(ready, tmp_path, name)
    found = worker.trial("drives.disturbed", **given, what="only_read", on=into)
    assert (found["code"], faults(found)) == (2, [])
    assert "nothing can be written" in found["said"] or "Read-only file system" in found["said"]


@pytest.mark.parametrize(
    "name", [name for name, asked in COMMANDS.items() if asked.bases and name not in SWEEPS]
)
def test_a_base_model_whose_disk_is_gone_is_told(worker: Forge, ready, tmp_path, name):
    for number, kind in enumerate(("away", "dead")):
        given = asked(ready, tmp_path / str(number), name)
        found = worker.trial("drives.disturbed", **given, what="pull", kind=kind, on="bases")
        assert (found["code"], faults(found)) == (2, [])


def test_a_training_goes_on_from_its_state_when_the_stick_is_back(real: Forge, ready, tmp_path):
    given = asked(ready, tmp_path / "1", "train")
    again = COMMANDS["train"].next()
    found = real.trial("drives.disturbed", **given, what="pull", when=STATE, again=again)
    assert (found["met"], faults(found)) == (True, [])
    assert found["code"] in (1, 2)
    undisturbed = real.trial("drives.undisturbed", **asked(ready, tmp_path / "2", "train"))
    loras = [made["made"]["loras/myface_stage_a.safetensors"] for made in (found, undisturbed)]
    assert loras[0] == loras[1]
