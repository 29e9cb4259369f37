"""The page's part on checkpoints: scores, the loss on held-out and on training images, the chosen one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wrapper.curves import COLOURS, Chart, chart
from wrapper.evaluation.metrics import METRICS, Metric, present
from wrapper.evaluation.taken import FILE, taken_checkpoint
from wrapper.project.layout import ProjectPaths
from wrapper.records import read_json
from wrapper.report.dataset import TITLES
from wrapper.report.pictures import Picture, picture

MISSING = "No checkpoints were held against each other: there is no evaluation of several of them."
PICTURE_PX = 192
MAX_PICTURES = 8
CURVES = {"holdout": "held-out images", "train": "training images"}


@dataclass(frozen=True)
class CheckpointRow:
    title: str
    figures: list[str]
    chosen: bool


@dataclass(frozen=True)
class Curve:
    """A chart and what its colours mean: (colour, label)."""

    title: str
    chart: Chart
    legend: list[tuple[str, str]]


@dataclass(frozen=True)
class StageCheckpoints:
    """``text`` is the choice, or why there is none; ``strip`` one image from checkpoint to checkpoint."""

    title: str
    text: str
    overfitting: str
    heads: list[str]
    rows: list[CheckpointRow]
    curves: list[Curve]
    strip: list[tuple[Picture | None, str]]
    strip_of: str


@dataclass(frozen=True)
class CheckpointsPart:
    missing: str = ""
    stages: list[StageCheckpoints] = field(default_factory=list)


def checkpoints_part(paths: ProjectPaths, name: str) -> CheckpointsPart:
    """Read ``evaluation.json`` and ``choice.json``; stages with one checkpoint only are left out."""
    record = read_json(paths.evaluation) or {}
    several = {stage: some for stage, some in record.get("checkpoints", {}).items() if len(some) > 1}
    if not several:
        return CheckpointsPart(missing=MISSING)
    return CheckpointsPart(stages=[_stage(paths, name, stage, some) for stage, some in several.items()])


def _stage(
    paths: ProjectPaths,
    name: str,
    stage: str,
    checkpoints: Sequence[Mapping[str, Any]],
) -> StageCheckpoints:
    taken = taken_checkpoint(paths, name, stage)
    told = ((read_json(paths.root / FILE) or {}).get("stages") or {}).get(stage, {})
    text = told["text"] if taken.chosen else taken.why or "None was chosen: run `lorawrap evaluate --choose`."
    metrics = present(set.intersection(*(set(_figures(one)) for one in checkpoints)))
    strip, strip_of = _strip(paths, checkpoints)
    return StageCheckpoints(
        TITLES[stage],
        text,
        told.get("overfitting", ""),
        [*(headed(metric) for metric in metrics), *_loss_heads(checkpoints, stage)],
        [
            _row(one, stage, metrics, taken.chosen and paths.root / one["file"] == taken.path)
            for one in checkpoints
        ],
        _curves(stage, checkpoints, metrics),
        strip,
        strip_of,
    )


def headed(metric: Metric) -> str:
    """``masked PSNR, dB ↑``: the arrow is the way to the better."""
    unit = f", {metric.unit}" if metric.unit else ""
    return f"{metric.title}{unit}\N{NO-BREAK SPACE}{'↑' if metric.higher_is_better else '↓'}"


def _figures(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**one["masked"], **one["scenes"]}


def _loss_heads(checkpoints: Sequence[Mapping[str, Any]], stage: str) -> list[str]:
    return [f"loss, {label} ↓" for part, label in CURVES.items() if _losses(checkpoints, stage, part)]


def _losses(checkpoints: Sequence[Mapping[str, Any]], stage: str, part: str) -> list[float]:
    """Each checkpoint's mean loss; empty where one has none."""
    found = [one["loss"].get(stage, {}).get(part) for one in checkpoints]
    return [figures["mean"] for figures in found] if all(found) else []


def _row(one: Mapping[str, Any], stage: str, metrics: Sequence[Metric], chosen: bool) -> CheckpointRow:
    cells = [f"{_figures(one)[metric.name]['mean']:.{metric.digits}f}" for metric in metrics]
    losses = one["loss"].get(stage, {})
    cells += [f"{losses[part]['mean']:.{METRICS['loss'].digits}f}" for part in CURVES if part in losses]
    return CheckpointRow(one["title"], cells, chosen)


def _curves(stage: str, checkpoints: Sequence[Mapping[str, Any]], metrics: Sequence[Metric]) -> list[Curve]:
    """The losses of both sets in one chart, and the first metric in another."""
    label, places = _axis(checkpoints)
    by_part = {title: _losses(checkpoints, stage, part) for part, title in CURVES.items()}
    series = {title: (places, values) for title, values in by_part.items() if values}
    found = [_curve("Denoising loss, on what it was trained on and on what it was not", series, label)]
    for metric in metrics[:1]:
        values = [_figures(one)[metric.name]["mean"] for one in checkpoints]
        found.append(_curve(headed(metric), {metric.title: (places, values)}, label))
    return [curve for curve in found if curve]


def _curve(title: str, series: Mapping[str, tuple[list[float], list[float]]], label: str) -> Curve | None:
    drawn = chart(series, label, f"{title}: {', '.join(series)}", from_zero=False)
    return Curve(title, drawn, list(zip(COLOURS, series, strict=False))) if drawn else None


def _axis(checkpoints: Sequence[Mapping[str, Any]]) -> tuple[str, list[float]]:
    steps = [one["step"] for one in checkpoints]
    if all(step is not None for step in steps):
        return "steps", [float(step) for step in steps]
    return "checkpoints", [float(place) for place in range(1, len(checkpoints) + 1)]


def _strip(
    paths: ProjectPaths, checkpoints: Sequence[Mapping[str, Any]]
) -> tuple[list[tuple[Picture | None, str]], str]:
    """One image as some of the checkpoints painted it, the first and the last among them."""
    shown = [
        (one["title"], row)
        for one in checkpoints
        for row in one["per_image"][:1]
        if row["picture"] and (paths.root / row["picture"]).is_file()
    ]
    if len(shown) > MAX_PICTURES:
        last = len(shown) - 1
        shown = [shown[round(place * last / (MAX_PICTURES - 1))] for place in range(MAX_PICTURES)]
    return [
        (picture(paths.root / row["picture"], f"{row['image']}, {title}", PICTURE_PX), title)
        for title, row in shown
    ], shown[0][1]["image"] if shown else ""
