"""The pictures of DATA_PREPARATION.md and QC_PIPELINE.md: ``python -m benchmarks.guides.pictures``.

Needs scikit-image (the photograph that is spoiled) and chromium (QC's page).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image
from skimage import data

from benchmarks.guides.photographs import spoiled, write_folder
from wrapper.cli.main import run

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
COLOURS = 96
PAGE_PX = (1180, 980)


def main() -> None:
    """Write the pictures; each is made by the commands that its guide shows."""
    with tempfile.TemporaryDirectory() as folder:
        _masks(write_folder(Path(folder) / "data"))
        _quality(Path(folder) / "qc")


def _masks(root: Path) -> None:
    """The sheet of `lorawrap masks`, and the one of `lorawrap build`."""
    painted = ["--from", "colour", "--marked", str(root / "painted"), "--colour", "#00ff00"]
    run_command("masks", str(root / "photos"), *painted, "--sheets", str(root / "check"))
    _small(root / "check" / "masks_overview-01.png", "masks_overview.png")
    words = ["--subject", "Anna", "--consent", "signed 2026-11-02", "--age", "26-30"]
    job = ["--job", "ear", "--base", "demo", "--inpaint-base", "demo"]
    run_command("init", str(root / "anna"), "--photos", str(root / "photos"), *job, *words)
    run_command("qc", "--project", str(root / "anna"))
    run_command("build", "--project", str(root / "anna"), "--set", "regularisation.source=none")
    _small(root / "anna" / "dataset" / "masks_overview.png", "build_overview.png")


def _quality(root: Path) -> None:
    """QC's page over one photograph and all that can be wrong with it."""
    photos = root / "photos"
    photos.mkdir(parents=True)
    for name, rgb in spoiled(data.astronaut()).items():
        Image.fromarray(rgb).save(photos / f"{name}.png")
    run_command("qc", str(photos), "--out", str(root / "qc"), "--set", "short_side_px_warn=500")
    shot = root / "page.png"
    _screenshot(root / "qc" / "report.html", shot)
    _small(shot, "qc_page.png")


def run_command(*argv: str) -> None:
    """Run ``lorawrap`` with ``argv``, here; leave when it fails."""
    code = run(list(argv))
    if code:
        raise SystemExit(f"lorawrap {' '.join(argv)} ended with {code}")


def _screenshot(page: Path, shot: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={PAGE_PX[0]},{PAGE_PX[1]}"]
    command = [browser, *options, f"--screenshot={shot}", page.absolute().as_uri()]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def _small(path: Path, name: str) -> None:
    """Written with a palette: guides are cloned with the code."""
    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS).save(PICTURES / name, optimize=True)


if __name__ == "__main__":
    main()
