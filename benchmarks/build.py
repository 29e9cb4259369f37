"""What a build costs by the number of photographs: seconds an image, and the most memory.

Drawn pictures of 16 pixels are built at 64, so what is measured is what the build itself adds: rows, plans,
records, files. Each step is a process of its own: the first build, one that changes nothing, one after a
single photograph changed.

    python -m benchmarks.build 1000 10000
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import peak_mib

SIDE_PX = 16
VIEWS = ("front", "profile_left", "profile_right", "back")
STEPS = ("first", "unchanged", "one changed")


def draw(folder: Path, number: int) -> None:
    """``number`` different pictures, their manifest and QC's word on them, in ``folder``."""
    (folder / "photos").mkdir(parents=True)
    with (folder / "manifest.jsonl").open("w", encoding="utf-8") as manifest:
        for index in range(number):
            picture(folder / "photos" / f"{index:06d}.png", index)
            manifest.write(json.dumps(_row(index)) + "\n")


def picture(path: Path, seed: int) -> None:
    """One small picture of noise."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(seed).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)


def _row(index: int) -> dict[str, Any]:
    view = VIEWS[min(index * index % 7, 3)]
    subject = f"s{index // 10}"
    row = {"image": f"photos/{index:06d}.png", "subject": subject, "consent": subject, "age": "26-30"}
    return row | {"view": view, "type": "bust", "ear_side": "left", "ear_box": [4, 4, 12, 12]}


def build(folder: Path) -> Iterator[tuple[str, float]]:
    """Build the pictures in ``folder``; yields each step's name and seconds."""
    from dataset_tools.building.build import BuildSettings, apply, plan
    from dataset_tools.manifests.manifest import read_manifest
    from dataset_tools.quality.qc_record import QcRecord

    start = time.perf_counter()
    manifest = read_manifest(folder / "manifest.jsonl")
    records = [QcRecord(row.image, "OK", width=SIDE_PX, height=SIDE_PX) for row in manifest.rows]
    yield "read", time.perf_counter() - start
    start = time.perf_counter()
    planned = plan(manifest, records, _settings(BuildSettings))
    yield "plan", time.perf_counter() - start
    start = time.perf_counter()
    apply(planned, folder / "dataset")
    yield "apply", time.perf_counter() - start


def _settings(kind: Any) -> Any:
    return kind(
        size=64,
        shape="square",
        context=2.0,
        mask_source="synthetic",
        dilate_px=0,
        sam_model="",
        caption_source="template",
        template="portrait",
        trigger="myface",
        class_word="woman",
        blip_model="",
        balance_by=("view",),
        shares={},
        max_repeats=20,
        epoch_images=0,
        max_images=0,
        holdout="subject",
        holdout_share=0.1,
        seed=7,
        mirror=False,
        relight=0,
        keep_warned=True,
        stages=("stage_a", "stage_b"),
    )


def measure(folder: Path) -> dict[str, float]:
    """One build in a process of its own: seconds of each step, and its peak memory in MiB."""
    command = [sys.executable, "-m", "benchmarks.build", "--in", str(folder)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def compare(number: int) -> Iterator[str]:
    """A line for each kind of build of ``number`` photographs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder, number)
        for step in STEPS:
            if step == "one changed":
                picture(folder / "photos" / "000003.png", number)
            found = measure(folder)
            seconds = " ".join(f"{key} {found[key]:7.2f} s" for key in ("read", "plan", "apply"))
            each = (found["read"] + found["plan"] + found["apply"]) / number * 1000
            yield f"{number:7d} {step:12s} {seconds} {each:7.3f} ms an image {found['peak']:6.0f} MiB"


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--in"]:
        found = dict(build(Path(arguments[1])))
        print(json.dumps(found | {"peak": peak_mib()}))
        return
    for number in [int(argument) for argument in arguments] or [1000, 10000]:
        for line in compare(number):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
