"""The way to checked settings on disks that are not Linux': letter case does not count, names are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platforms.legal import illegal
from tests.platforms.real_disks import NEEDED, missing, mounted


@pytest.fixture(params=NEEDED)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    if why := missing(request.param):
        pytest.skip(why)
    try:
        with mounted(request.param, tmp_path) as place:
            yield place
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no {request.param} may be mounted here: {error}")


def lorawrap(*argv: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wrapper", *argv],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def test_case_does_not_count_there(disk: Path):
    (disk / "A").touch()
    assert (disk / "a").exists()


@pytest.mark.slow
def test_photographs_from_linux_are_built_there(disk: Path, tmp_path: Path):
    """The photographs lie where letter case counts: what is made of them keeps them apart all the same."""
    photos = tmp_path / "photos of mine"
    assert lorawrap("demo", "--photos-only", "--out", str(photos), folder=tmp_path).returncode == 0
    rows = [json.loads(line) for line in (photos / "manifest.jsonl").read_text("utf-8").splitlines()]
    for row, name in zip(rows, ("Twin.png", "twin.png", "wh?t.png", "a:b.png"), strict=False):
        (photos / row["image"]).rename(photos / "photos" / name)
        row |= {"image": f"photos/{name}", "skin_tone": name[0]}
    lines = "\n".join(json.dumps(row) for row in rows)
    (photos / "manifest.jsonl").write_text(lines, encoding="utf-8")
    job = disk / "мой job"
    job.mkdir()
    toml = (photos / "lorawrap.toml").read_text("utf-8")
    toml = toml.replace('path = "manifest.jsonl"', f'path = "{photos.as_posix()}/manifest.jsonl"')
    toml = toml.replace('folder = "class_photos"', f'folder = "{photos.as_posix()}/class_photos"')
    (job / "lorawrap.toml").write_text(toml.replace('by = ["view"]', 'by = ["skin_tone"]'), encoding="utf-8")
    for command in ("qc", "build", "render"):
        done = lorawrap(command, folder=job)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (command, done.stderr)
    train = job / "dataset" / "stage_a" / "train"
    assert len([path for path in train.rglob("*.txt") if path.name.casefold().startswith("twin-")]) == 2
    assert list(illegal(job)) == []
    again = lorawrap("build", folder=job)
    assert "nothing changed, nothing was written" in again.stdout, again.stderr
