"""``choice.json``: which checkpoint of each stage is the best, by what an evaluation measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from dataset_tools.files import write_json
from wrapper.evaluation.choosing import choose
from wrapper.evaluation.denoising import HOLDOUT, TRAIN
from wrapper.evaluation.metrics import METRICS, Metric
from wrapper.evaluation.taken import FILE
from wrapper.evaluation.words import choice_words, overfit_words, reason

if TYPE_CHECKING:
    from wrapper.project.load import Project

AUTO = {"stage_a": ("identity", "psnr_db", "loss"), "stage_b": ("psnr_db", "loss")}
"""What a stage's checkpoints are chosen by: the first of these that was measured."""
Values = dict[str, dict[str, float]]
"""By checkpoint, oldest first, the figure of each unit."""


def choose_checkpoints(project: Project, result: Mapping[str, Any]) -> dict[str, Any]:
    """Choose a checkpoint of each stage from ``evaluation.json``'s data, write ``choice.json``, return it.

    Raises `UserError` when no stage has more than one checkpoint, or [evaluate] choose_by was not measured.
    """
    several = {stage: some for stage, some in result["checkpoints"].items() if len(some) > 1}
    if not several:
        raise UserError(
            f"{project.paths.runs}: there is one checkpoint only, so there is nothing to choose from.",
            "Train with save_every_n_epochs, and evaluate with --checkpoints all.",
        )
    asked = project.settings.evaluate.choose_by
    data = {stage: _choose(stage, some, asked) for stage, some in several.items()}
    record = {"dataset_key": result["settings"]["dataset_key"], "stages": data}
    write_json(project.paths.root / FILE, record)
    return record


def _choose(stage: str, checkpoints: Sequence[Mapping[str, Any]], asked: str) -> dict[str, Any]:
    metric = _metric(stage, checkpoints, asked)
    values = units_of(checkpoints, metric.name)
    found = choose(values, metric.gain)
    told = {one["name"]: {key: one[key] for key in ("title", "file", "sha256")} for one in checkpoints}
    titles = {one["name"]: one["title"] for one in checkpoints}
    data = {
        "metric": metric.name,
        "chosen": told[found.name],
        "best": told[found.best],
        "last": told[checkpoints[-1]["name"]],
        "runner_up": told[found.runner_up],
        "rule": found.rule,
        "units": found.units,
        "means": {told[name]["file"]: round(fmean(row.values()), 6) for name, row in values.items()},
        "gaps": {told[name]["file"]: asdict(gap) for name, gap in found.gaps.items()},
        "over_last": asdict(found.over_last) if found.over_last else None,
        "best_chance": {told[name]["file"]: chance for name, chance in found.best_chance.items()},
        "why": reason(stage, found, values, metric, titles),
        "text": choice_words(stage, found, values, metric, titles),
    }
    return data | {"overfitting": _overfitting(checkpoints)}


def _overfitting(checkpoints: Sequence[Mapping[str, Any]]) -> str:
    """A sentence on the loss on held-out images against that on training images; empty without losses."""
    held = units_of(checkpoints, "loss", HOLDOUT)
    if not held:
        return ""
    train = units_of(checkpoints, "loss", TRAIN)
    titles = {one["name"]: one["title"] for one in checkpoints}
    return overfit_words(choose(held, -1), held, train, titles)


def _metric(stage: str, checkpoints: Sequence[Mapping[str, Any]], asked: str) -> Metric:
    measured = [name for name in METRICS if units_of(checkpoints, name)]
    wanted = AUTO[stage] if asked == "auto" else (asked,)
    for name in wanted:
        if name in measured:
            return METRICS[name]
    raise UserError(
        f"{stage}: {' or '.join(METRICS[name].title for name in wanted)} was not measured.",
        f"[evaluate] choose_by may be {', '.join(measured) or 'nothing here'}.",
    )


def units_of(checkpoints: Sequence[Mapping[str, Any]], metric: str, part: str = HOLDOUT) -> Values:
    """Each checkpoint's ``metric`` by unit, averaged over the seeds that all have; empty without it."""
    if metric == "loss":
        losses = {one["name"]: _losses(one, part) for one in checkpoints}
        return losses if all(losses.values()) else {}
    rows = {one["name"]: [r for r in one["per_image"] if metric in r] for one in checkpoints}
    if not all(rows.values()):
        return {}
    seeds = set.intersection(*({row["seed"] for row in some} for some in rows.values()))
    return {
        name: _means([row for row in some if row["seed"] in seeds], metric) for name, some in rows.items()
    }


def _losses(checkpoint: Mapping[str, Any], part: str) -> dict[str, float]:
    found = next(iter(checkpoint["per_image_loss"].values()), {})
    return found.get(part, {})


def _means(rows: Sequence[Mapping[str, Any]], metric: str) -> dict[str, float]:
    by_image: dict[str, list[float]] = {}
    for row in rows:
        by_image.setdefault(row["image"], []).append(row[metric])
    return {image: fmean(values) for image, values in by_image.items()}
