"""Cases on disk, inspected by QC as it is installed, and every figure of the table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.qc.cases import Case, cases
from benchmarks.qc.photographs import Photograph
from benchmarks.qc.scoring import auc, decide, within
from dataset_tools.files import write_json
from dataset_tools.pictures.images import save_png
from dataset_tools.progress import progress
from dataset_tools.quality.qc import Job, inspect_one
from dataset_tools.quality.qc_record import QcRecord
from dataset_tools.quality.thresholds import load_thresholds

INDEX = "cases.json"
SIZE_LIMITS = {"short_side_px_reject": 210, "short_side_px_warn": None, "detail_px_reject": 300}
"""The photographs are small: only what is smaller still counts as tiny here."""
GOOD = (
    "good",
    "good jpeg",
    "good bokeh",
    "good grain",
    "good dim",
    "good haze",
    "good plain",
    "good studio",
    "good high key",
)
AUCS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "blur: gaussian": ("blur", ("gaussian",), GOOD),
    "blur: motion": ("blur", ("motion",), GOOD),
    "blur: sharp background": ("blur", ("background",), GOOD),
    "blur: under noise": ("blur", ("noisy blur",), ("noisy sharp",)),
    "JPEG: header kept": ("blockiness", ("jpeg",), ("good",)),
    "JPEG: saved as PNG": ("blockiness", ("jpeg png",), ("good",)),
    "JPEG: cropped off the grid": ("blockiness", ("jpeg cropped",), ("good",)),
    "JPEG: resized": ("blockiness", ("jpeg resized",), ("good",)),
    "noise": ("noise", ("noise", "noise luma", "noise dark"), ("good",)),
    "upscaled": ("resolution", ("upscaled",), GOOD),
    "dark": ("dark", ("dark",), GOOD),
    "blown out": ("light", ("light",), GOOD),
    "blown out by gain": ("light", ("blown",), GOOD),
    "flat": ("contrast", ("flat",), GOOD),
    "tiny": ("size", ("tiny",), GOOD),
    "aspect": ("aspect", ("aspect",), GOOD),
    "border": ("framing", ("border",), GOOD),
    "grey fill": ("content", ("grey fill",), GOOD),
    "blank": ("content", ("blank",), GOOD),
}
"""Name → (score, kinds that are bad, kinds that are good)."""
MOST_VISIBLE = 60
"""JPEG quality up to which a picture counts as damaged: the photographs were once saved with 75 and more."""
LOST_HEADER = ("jpeg png", "jpeg cropped", "jpeg resaved")


class Judged(NamedTuple):
    name: str
    kind: str
    code: str | None
    sigma: float | None
    quality: int | None
    record: QcRecord


def prepare(folder: Path, chosen: Sequence[Photograph]) -> None:
    """Write every case of the photographs, and their list."""
    rows = []
    with progress("cases", len(chosen)) as bar:
        for photograph in chosen:
            rows += [_saved(folder, case) for case in cases(photograph)]
            bar.advance()
    write_json(folder / INDEX, rows)


def _saved(folder: Path, case: Case) -> dict[str, object]:
    content = case.made.content
    file = f"{case.name}{'.jpg' if isinstance(content, bytes) else '.png'}"
    path = folder / case.split / file
    if isinstance(content, bytes):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    else:
        save_png(path, content)
    made = case.made
    truth = {"kind": made.kind, "code": made.code, "sigma": made.sigma, "quality": made.quality}
    return {"file": f"{case.split}/{file}", "split": case.split, **truth}


def splits(folder: Path) -> list[str]:
    """Those that the cases in ``folder`` are of."""
    return list(dict.fromkeys(row["split"] for row in _rows(folder)))


def inspect(folder: Path, split: str) -> Iterator[Judged]:
    """Every case of a split, inspected."""
    thresholds = load_thresholds("photo", SIZE_LIMITS)
    rows = [row for row in _rows(folder) if row["split"] == split]
    with progress(f"qc {split}", len(rows)) as bar:
        for row in rows:
            record = inspect_one(Job(row["file"], folder / row["file"], thresholds)).record
            yield Judged(row["file"], row["kind"], row["code"], row["sigma"], row["quality"], record)
            bar.advance()


def _rows(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / INDEX).read_text("utf-8"))


def figures(judged: Sequence[Judged]) -> dict[str, float]:
    """Every figure of the table by its name."""
    bad = [
        (one.record.status == "REJECT", one.code in {reason.code for reason in one.record.reasons})
        for one in judged
        if one.code
    ]
    decision = decide(bad, [one.record.status == "REJECT" for one in judged if one.code == ""])
    found = {f"accept or reject: {name}": value for name, value in decision._asdict().items()}
    found |= {name: _auc(judged, *kinds) for name, kinds in AUCS.items()}
    lost = [one for one in judged if one.kind in LOST_HEADER and one.quality]
    found["JPEG quality within 3, header lost"] = within(
        [one.record.jpeg_quality for one in lost], [one.quality or 0 for one in lost], 3
    )
    noisy = [one for one in judged if one.sigma]
    found["noise sigma within 10 % or 1"] = within(
        [one.record.noise_sigma for one in noisy], [one.sigma or 0 for one in noisy], 1, 0.1
    )
    return found


def _auc(judged: Sequence[Judged], score: str, bad: Sequence[str], good: Sequence[str]) -> float:
    worse, better = (
        [
            one.record.scores[score]
            for one in judged
            if one.kind in kinds and one.record.scores and (one.quality or 0) <= MOST_VISIBLE
        ]
        for kinds in (bad, good)
    )
    return auc(worse, better)
