"""Rows of scores → means with intervals, and a verdict in words."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dataset_tools.wording import count_of
from wrapper.evaluation.metrics import METRICS, Metric

JUDGED = ("psnr_db", "ssim")
CONFIDENCE = 0.95
NAMES = {"hole": "the grey hole", "base": "the base", "stage_a": "Stage A", "stage_b": "Stage B"}


@dataclass(frozen=True)
class Score:
    """One picture, measured. ``seed`` is None for the hole, which has no noise; ``measures`` are by metric.

    ``picture`` is empty where it was not kept.
    """

    image: str
    variant: str
    seed: int | None
    measures: Mapping[str, float]
    outside_max_abs_diff: int
    picture: str

    def row(self) -> dict[str, Any]:
        told = asdict(self)
        return {**told, **told.pop("measures")}


@dataclass(frozen=True)
class Difference:
    """A variant minus another, paired by image: mean and 95 % interval (None for a single image)."""

    mean: float
    low: float | None
    high: float | None
    n: int


def summarise(scores: Sequence[Score]) -> dict[str, dict[str, Any]]:
    """Per variant and metric: mean, sd over all rows, n, and ``seed_sd``, the sd of the seeds' means.

    ``low`` and ``high`` are Student's 95 % interval over the images (seeds averaged first), ``seed_low`` and
    ``seed_high`` over the seeds (images averaged first): None where there is one only.
    """
    found: dict[str, dict[str, Any]] = {}
    for variant in dict.fromkeys(score.variant for score in scores):
        rows = [score for score in scores if score.variant == variant]
        names = [name for name in METRICS if all(name in row.measures for row in rows)]
        found[variant] = {name: _figures(rows, name) for name in names}
    return found


def difference(scores: Sequence[Score], variant: str, other: str, metric: str) -> Difference:
    """``variant`` − ``other`` with Student's interval. Seeds are averaged first: images are the sample."""
    ours, theirs = by_image(scores, variant, metric), by_image(scores, other, metric)
    gaps = [statistics.fmean(ours[name]) - statistics.fmean(theirs[name]) for name in ours if name in theirs]
    return Difference(round(statistics.fmean(gaps), 4), *interval(gaps), len(gaps))


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float | None, float | None]:
    """Student's interval of the mean of ``values``; (None, None) for fewer than two, or what is no number."""
    from scipy.stats import t

    n = len(values)
    if n < 2 or not all(map(math.isfinite, values)):
        return None, None
    mean = statistics.fmean(values)
    reach = float(t.ppf((1 + confidence) / 2, n - 1)) * statistics.stdev(values) / n**0.5
    return round(mean - reach, 6), round(mean + reach, 6)


def by_image(scores: Sequence[Score], variant: str, metric: str) -> dict[str, list[float]]:
    """The scores of ``variant`` by image."""
    found: dict[str, list[float]] = {}
    for score in scores:
        if score.variant == variant:
            found.setdefault(score.image, []).append(score.measures[metric])
    return found


def judge(scores: Sequence[Score]) -> dict[str, Any]:
    """Whether the last trained stage beats the base inside the mask, with numbers and plain words."""
    variants = {score.variant for score in scores}
    candidate = "stage_b" if "stage_b" in variants else "stage_a"
    gaps = {metric: difference(scores, candidate, "base", metric) for metric in JUDGED}
    over_hole = difference(scores, candidate, "hole", "psnr_db")
    psnr = gaps["psnr_db"]
    return {
        "candidate": candidate,
        "baseline": "base",
        "better": psnr.low is not None and psnr.low > 0,
        "psnr_db_difference": asdict(gaps["psnr_db"]),
        "ssim_difference": asdict(gaps["ssim"]),
        "text": " ".join([_words(NAMES[candidate], psnr), *_warnings(gaps["ssim"], over_hole, psnr)]),
    }


def judge_by(scores: Sequence[Score], candidate: str, metric: str, units: str) -> dict[str, Any]:
    """Whether ``candidate`` beats the base by ``metric``; the keys are those of `judge`."""
    known, gap = METRICS[metric], difference(scores, candidate, "base", metric)
    low, high = sorted((known.gain * (gap.low or 0), known.gain * (gap.high or 0)))
    text = f"No difference between {NAMES[candidate]} and the base is shown"
    if gap.low is None:
        text = f"{NAMES[candidate]} and the base cannot be told apart by so few {units}"
    elif low > 0:
        text = f"{NAMES[candidate]} beats the base"
    elif high < 0:
        text = f"{NAMES[candidate]} is worse than the base"
    figures = f"{known.title} {known.show_difference(gap.mean)}, {gap.n} {units}"
    return {
        "candidate": candidate,
        "baseline": "base",
        "better": gap.low is not None and low > 0,
        "metric": metric,
        "difference": asdict(gap),
        "psnr_db_difference": None,
        "ssim_difference": None,
        "text": f"{text}: {figures}{_between(gap, known)}.",
    }


def _between(gap: Difference, metric: Metric) -> str:
    if gap.low is None or gap.high is None:
        return ""
    low, high = metric.show_difference(gap.low), metric.show_difference(gap.high)
    return f" (95 % interval {low} to {high})"


def _figures(rows: Sequence[Score], metric: str) -> dict[str, Any]:
    values = [row.measures[metric] for row in rows]
    by_seed: dict[int | None, list[float]] = {}
    by_name: dict[str, list[float]] = {}
    for row in rows:
        by_seed.setdefault(row.seed, []).append(row.measures[metric])
        by_name.setdefault(row.image, []).append(row.measures[metric])
    seeds = [statistics.fmean(group) for group in by_seed.values()]
    low, high = interval([statistics.fmean(group) for group in by_name.values()])
    seed_low, seed_high = interval(seeds)
    mean = round(statistics.fmean(values), 6)
    told = {"mean": mean, "sd": _spread(values), "n": len(values), "seed_sd": _spread(seeds)}
    return told | {"low": low, "high": high, "seed_low": seed_low, "seed_high": seed_high}


def _spread(values: Sequence[float]) -> float:
    """The standard deviation, 0 for a single value; no number where a value is none."""
    if not all(map(math.isfinite, values)):
        return math.nan
    return round(statistics.stdev(values), 4) if len(values) > 1 else 0.0


def _words(name: str, gap: Difference) -> str:
    if gap.low is None or gap.high is None:
        return f"{name} and the base differ by {gap.mean:+.2f} dB on one held-out image: too few to judge."
    bounds = f"95 % interval {gap.low:+.2f} to {gap.high:+.2f}, {count_of(gap.n, 'image')}"
    figures = f"{gap.mean:+.2f} dB masked PSNR ({bounds})"
    if gap.low > 0:
        return f"{name} beats the base: {figures}."
    if gap.high < 0:
        return f"{name} is worse than the base: {figures}."
    return f"No difference between {name} and the base is shown: {figures}."


def _warnings(ssim: Difference, over_hole: Difference, psnr: Difference) -> list[str]:
    said = []
    if psnr.mean > 0 and ssim.mean < 0:
        said.append(f"The structure got worse all the same: {ssim.mean:+.3f} masked SSIM.")
    if over_hole.mean < 0:
        said.append(f"A plain grey hole is still {-over_hole.mean:.2f} dB closer to the truth: a bad result.")
    return said
