"""Commands within limits (of a file, of open files, of a path), and on disks that cannot do everything.

``LORAWRAP_FAULTS=N`` asks for it. `test_disk` has a disk without links and locks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.surroundings import refusals
from tests.faults.surroundings.campaign import templates
from tests.faults.surroundings.commands import COMMANDS
from tests.faults.surroundings.disk import why_not
from tests.faults.surroundings.forked import Forge, forge
from tests.faults.surroundings.test_unplugged import faults

LIGHT = ("qc", "masks", "build", "captions", "render", "report", "lora merge", "runs list")
"""Without torch, or with little of it."""
pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=f"no disk of one's own can be mounted: {why_not()}"),
    pytest.mark.skipif(
        not os.environ.get("LORAWRAP_FAULTS"), reason="minutes; LORAWRAP_FAULTS=N asks for it"
    ),
]
filtered = pytest.mark.skipif(bool(refusals.why_not()), reason=refusals.why_not())


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each stage a project that has all of those before it."""
    return dict(templates(tmp_path_factory.mktemp("готово"), "report", full=True))


@pytest.fixture(scope="module")
def worker() -> Iterator[Forge]:
    with forge(("cv2", "scipy.ndimage", "wrapper.cli.qc", "wrapper.cli.build")) as worker:
        yield worker


@pytest.fixture
def asked(ready: dict[str, Path], tmp_path: Path):
    def of_command(name: str) -> dict[str, Any]:
        of = COMMANDS[name]
        return {
            "template": str(ready[of.ready]),
            "place": str(tmp_path / "диск"),
            "argv": list(of.argv),
        }

    return of_command


@filtered
@pytest.mark.parametrize("what", ["no hard links", "no locks", "no locks nor links"])
@pytest.mark.parametrize("name", LIGHT)
def test_a_disk_without_links_or_locks_is_enough(worker: Forge, asked, name, what):
    found = worker.trial("limits.refused", **asked(name), what=what)
    assert (found["code"], faults(found)) == (0, [])


@filtered
@pytest.mark.parametrize("name", ["qc", "build", "report", "lora merge"])
def test_a_quota_is_told(worker: Forge, asked, name):
    found = worker.trial("limits.refused", **asked(name), what="quota")
    assert found["code"] == 2
    assert "Disk quota exceeded" in found["said"]


@pytest.mark.parametrize(
    ("name", "of", "most", "words"),
    [
        ("qc", "file size", 20_000, "File too large"),
        ("build", "file size", 3_000, "File too large"),
        ("report", "file size", 50_000, "File too large"),
        ("lora merge", "file size", 100_000, "File too large"),
        *((name, "open files", most, "Too many open files") for name in LIGHT[:-1] for most in (0, 1, 2, 4)),
    ],
)
def test_a_limit_is_told_and_the_command_goes_on_without_it(worker: Forge, asked, name, of, most, words):
    found = worker.trial("limits.limited", **asked(name), of=of, most=most)
    assert faults(found) == []
    assert found["code"] == 0 or (found["code"] == 2 and words in found["said"])


@pytest.mark.parametrize("how", ["read only", "full", "file", "gone", "home"])
@pytest.mark.parametrize("name", ["generate", "export"])
def test_the_users_cache_is_done_without(worker: Forge, asked, name, how):
    found = worker.trial("limits.cache", **asked(name), how=how)
    assert (found["code"], found["lost"], found["broken"], found["changed"]) == (0, [], [], [])


@pytest.mark.skipif(not shutil.which("lowntfs-3g"), reason="no ntfs-3g")
@pytest.mark.parametrize("name", LIGHT)
def test_a_disk_that_knows_no_case_is_enough(worker: Forge, asked, name):
    found = worker.trial("limits.ntfs", **asked(name))
    assert (found["code"], faults(found)) == (0, [])


@pytest.mark.parametrize("spare", [60, 120, 200])
@pytest.mark.parametrize("name", LIGHT)
def test_a_path_that_is_too_long_is_told(worker: Forge, asked, name, spare):
    found = worker.trial("limits.deep", **asked(name), spare=spare)
    assert (found["lost"], found["broken"], found["changed"]) == ([], [], [])
    assert found["code"] == 0 or (found["code"] == 2 and "File name too long" in found["said"])
