"""The whole way of a set of drawn photographs, from QC to where training would begin, at growing sizes.

    python -m benchmarks.scale_pipeline FOLDER FIGURES.json 100 1000 10000 100000

Photographs of 192 × 160 px are drawn in ``FOLDER/<number>`` where they are not there yet, and crops of 64 px
built of them, so what is measured is what the tools themselves add; ``--no-copies`` leaves out the search for
copies, and ``--only WORD`` all steps without that word.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.scale_measure import keep, lorawrap, measured
from benchmarks.scale_pictures import draw, known_pairs, save

PROJECT = """
[project]
name = "scale"
seed = 7
engine = "embedded"

[manifest]
path = "manifest.jsonl"

[qc]
preset = "tiny"
{thresholds}

[crop]
size = 64
context = 2.0

[masks]
source = "synthetic"

[captions]
trigger = "myface"
class_word = "woman"

[balance]
by = ["view"]

[dataset]
holdout = "subject"
holdout_share = 0.05

[stage_a]
preset = "demo"

[stage_b]
preset = "demo"
"""
COPIES = "thresholds = { similarity_warn = 0.75 }"
INTERRUPT_AFTER_S = 20.0
MOST_MASKS = 10_000
TOUCHED = 3
"""The picture that is changed."""
Step = tuple[str, Callable[[], list[str]]]


def steps(folder: Path, number: int) -> Iterator[Step]:
    """What is measured, and what makes its command when its turn comes."""
    at = ("--project", folder)
    dataset = folder / "dataset"
    yield "read the manifest", lambda: [sys.executable, "-c", READ, str(folder / "manifest.jsonl")]
    yield "qc", lambda: _anew(lorawrap("qc", *at), folder / "qc")
    yield "qc, nothing changed", lambda: lorawrap("qc", *at)
    yield "qc, one changed", lambda: _changed(lorawrap("qc", *at), folder, number)
    yield "qc, back again", lambda: _changed(lorawrap("qc", *at), folder, TOUCHED)
    yield "build", lambda: _anew(lorawrap("build", *at), dataset)
    yield "build, nothing changed", lambda: lorawrap("build", *at)
    yield "build, another trigger", lambda: lorawrap("build", *at, "--set", "captions.trigger=ohwx")
    yield "captions, counted", lambda: lorawrap("captions", dataset / "stage_a")
    yield (
        "captions, edited",
        lambda: lorawrap("captions", dataset / "stage_a", "--prefix", "myface", "--dry-run"),
    )
    yield "render", lambda: lorawrap("render", "stage_a", *at)
    yield "check", lambda: lorawrap("check", *_rendered(folder), "--engine", "embedded", "--no-models")
    yield "train --dry-run", lambda: lorawrap("train", "stage_a", *at, "--dry-run")
    yield "what steps hang on", lambda: [sys.executable, "-c", INPUTS, str(folder)]
    yield "what steps hang on, again", lambda: [sys.executable, "-c", INPUTS, str(folder)]
    yield "run --dry-run", lambda: lorawrap("run", *at, "--dry-run")
    yield "captions, prefixed", lambda: lorawrap("captions", dataset / "stage_a", "--prefix", "myface")
    yield "report", lambda: lorawrap("report", *at)
    if number <= MOST_MASKS:
        yield "masks, synthetic", lambda: _masks(folder)


READ = """
import sys
from pathlib import Path
from dataset_tools.manifests.manifest import read_manifest
print(len(read_manifest(Path(sys.argv[1])).rows))
"""
INPUTS = """
import sys
from pathlib import Path
from wrapper.project.load import load_project
from wrapper.steps.job import job
for step in job(load_project(Path(sys.argv[1]))).steps[:5]:
    step.inputs()
"""


def _masks(folder: Path) -> list[str]:
    """Drawn over each picture's ear box, checked, and laid over it on sheets."""
    out, sheets = (folder / name for name in ("masks", "masks_check"))
    command = lorawrap(
        "masks", folder / "manifest.jsonl", "--from", "synthetic", "--out", out, "--sheets", sheets
    )
    shutil.rmtree(sheets, ignore_errors=True)
    return _anew(command, out)


def _rendered(folder: Path) -> tuple[Path | str, ...]:
    train, dataset = (folder / "config" / f"stage_a_{kind}.toml" for kind in ("train", "dataset"))
    return train, "--dataset-config", dataset


def _anew(command: list[str], folder: Path) -> list[str]:
    shutil.rmtree(folder, ignore_errors=True)
    return command


def _changed(command: list[str], folder: Path, seed: int) -> list[str]:
    save(folder / "photos" / "000" / f"{TOUCHED:06d}.jpg", seed)
    return command


def interrupted(folder: Path) -> float:
    """Start QC anew and end it after a while as Ctrl-C does; the share of pictures that is kept."""
    command = _anew(lorawrap("qc", "--project", folder), folder / "qc")
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    time.sleep(INTERRUPT_AFTER_S)
    run.send_signal(signal.SIGINT)
    run.wait()
    told = subprocess.run(
        [*lorawrap("qc", "--project", folder), "--dry-run"], capture_output=True, text=True, check=True
    )
    print(told.stdout.strip(), flush=True)
    return float(run.returncode)


def recall(folder: Path, number: int) -> str:
    """How many of the copies that were drawn are known as such, and how many others are."""
    lines = (folder / "qc" / "qc.jsonl").read_text(encoding="utf-8").splitlines()
    said = {row["path"]: row["duplicate_of"] for row in map(json.loads, lines)}
    pairs = [tuple(f"photos/{name}" for name in pair) for pair in known_pairs(number)]
    found = sum(said[one] == other or said[other] == one for one, other in pairs)
    return f"{found} of {len(pairs)} copies found, {sum(map(bool, said.values())) - found} others"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("figures", type=Path)
    parser.add_argument("numbers", type=int, nargs="+")
    parser.add_argument("--no-copies", action="store_true")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    for number in asked.numbers:
        folder = asked.folder / str(number)
        draw(folder, number)
        thresholds = "" if asked.no_copies else COPIES
        (folder / "lorawrap.toml").write_text(PROJECT.format(thresholds=thresholds), encoding="utf-8")
        for what, command in steps(folder, number):
            if asked.only in what:
                keep(measured(what, number, command()), asked.figures)
        if not asked.no_copies and (folder / "qc" / "qc.jsonl").is_file():
            print(recall(folder, number), flush=True)


if __name__ == "__main__":
    main()
