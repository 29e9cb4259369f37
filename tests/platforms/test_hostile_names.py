"""Photographs whose names only Linux can hold, where Windows is played: what is made is legal.

Every command speaks to a file in a code page without most of the letters.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from tests.platforms.legal import ECRYPTFS_BYTES, carriage_returns, illegal
from tests.platforms.windows.child import lorawrap

NAMES = (
    *("a:b.png", "what?.png", "pipe|star*.png", "dot..png", "space .png", "Twin.png", "tWIN.png", "<b>.png"),
    *('quote".png', "tab\t.png", "-r.png", "🙂" * 60 + ".png", "я" * 120 + ".png"),
    *(unicodedata.normalize("NFC", "йод.png"), unicodedata.normalize("NFD", "йод.png")),
)
"""No devices of Windows: a manifest that names one is refused."""
CONFIG = ("config/stage_a_train.toml", "--dataset-config", "config/stage_a_dataset.toml")
TONES = ("Fair", "fair", "aux", "trailing.", "ß" * 90, "a/b")
"""Free text that photographs are balanced by: each is a folder."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's drawn photographs under such names."""
    root = tmp_path_factory.mktemp("Жанна's ✓") / "demo"
    done = lorawrap("demo", "--photos-only", "--out", str(root), folder=root.parent)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (root / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    for number, (row, name) in enumerate(zip(rows, NAMES, strict=False)):
        (root / row["image"]).rename(root / "photos" / name)
        row |= {"image": f"photos/{name}", "skin_tone": TONES[number % len(TONES)]}
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (root / "manifest.jsonl").write_text("\r\n".join(lines), encoding="utf-8-sig", newline="")
    toml = (root / "lorawrap.toml").read_text(encoding="utf-8").replace('by = ["view"]', 'by = ["skin_tone"]')
    (root / "lorawrap.toml").write_text(toml.replace("\n", "\r\n"), encoding="utf-8-sig", newline="")
    return root


def test_the_way_from_photographs_to_checked_settings(project: Path):
    before = {path: path.read_bytes() for path in (project / "photos").iterdir()}
    for code_page, *argv in (
        ("cp1252:strict", "qc"),
        ("cp437:strict", "build", "--dry-run"),
        ("cp1251:strict", "build"),
        ("ascii:strict", "build"),
        ("cp1252:strict", "render"),
        ("cp932:strict", "check", *CONFIG, "--json"),
        ("cp1252:strict", "runs", "list"),
        ("cp1252:strict", "train", "stage_a", "--dry-run"),
        ("cp1252:strict", "captions", "dataset/stage_a"),
    ):
        done = lorawrap(*argv, folder=project, PYTHONUTF8="0", PYTHONIOENCODING=code_page)
        assert done.returncode == 0, (argv, done.stdout, done.stderr)
        assert b"Traceback" not in done.stderr, argv
    assert {path: path.read_bytes() for path in (project / "photos").iterdir()} == before
    made = [project / name for name in ("qc", "dataset", "config", ".lorawrap")]
    assert [fault for folder in made for fault in illegal(folder)] == []
    assert carriage_returns(project / "dataset", ".txt", ".json") == []
    assert carriage_returns(project / "config", ".toml", ".json") == []


def test_names_stay_short_enough_for_encrypted_homes_where_photographs_are_called_as_cameras_do(
    project: Path,
):
    built = [path.name for path in (project / "dataset").rglob("*.png") if not path.name.startswith("я")]
    assert max(len(name.encode()) for name in built) <= ECRYPTFS_BYTES


def test_twins_are_both_there(project: Path):
    held = {path.stem.casefold().partition("-")[0] for path in (project / "dataset").rglob("*.txt")}
    counted = [path for path in (project / "dataset" / "stage_a" / "train").rglob("*.txt")]
    assert {"twin", "йод"} <= held
    assert len({path.read_bytes() for path in counted}) > 10
