"""Rows of scores → means and spreads, and a verdict in words."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

METRICS = ("psnr_db", "ssim")
CONFIDENCE = 0.95
NAMES = {"hole": "the grey hole", "base": "the base", "stage_a": "Stage A", "stage_b": "Stage B"}


@dataclass(frozen=True)
class Score:
    """One repainted held-out image. ``seed`` is None for the hole, which has no noise."""

    image: str
    variant: str
    seed: int | None
    psnr_db: float
    ssim: float
    outside_max_abs_diff: int
    picture: str

    def row(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Difference:
    """A variant minus another, paired by image: mean and 95 % interval (None for a single image)."""

    mean: float
    low: float | None
    high: float | None
    n: int


def summarise(scores: Sequence[Score]) -> dict[str, dict[str, Any]]:
    """Per variant and metric: mean, sd over all rows, n, and ``seed_sd``, the sd of the seeds' means."""
    variants = dict.fromkeys(score.variant for score in scores)
    return {
        variant: {metric: _figures(scores, variant, metric) for metric in METRICS} for variant in variants
    }


def difference(scores: Sequence[Score], variant: str, other: str, metric: str) -> Difference:
    """``variant`` − ``other`` with Student's interval. Seeds are averaged first: images are the sample."""
    from scipy.stats import t

    ours, theirs = by_image(scores, variant, metric), by_image(scores, other, metric)
    gaps = [statistics.fmean(ours[name]) - statistics.fmean(theirs[name]) for name in ours if name in theirs]
    mean, n = statistics.fmean(gaps), len(gaps)
    if n < 2:
        return Difference(round(mean, 4), None, None, n)
    reach = float(t.ppf((1 + CONFIDENCE) / 2, n - 1)) * statistics.stdev(gaps) / n**0.5
    return Difference(round(mean, 4), round(mean - reach, 4), round(mean + reach, 4), n)


def by_image(scores: Sequence[Score], variant: str, metric: str) -> dict[str, list[float]]:
    """The scores of ``variant`` by image."""
    found: dict[str, list[float]] = {}
    for score in scores:
        if score.variant == variant:
            found.setdefault(score.image, []).append(getattr(score, metric))
    return found


def judge(scores: Sequence[Score]) -> dict[str, Any]:
    """Whether the last trained stage beats the base inside the mask, with numbers and plain words."""
    variants = {score.variant for score in scores}
    candidate = "stage_b" if "stage_b" in variants else "stage_a"
    gaps = {metric: difference(scores, candidate, "base", metric) for metric in METRICS}
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


def _figures(scores: Sequence[Score], variant: str, metric: str) -> dict[str, Any]:
    values = [getattr(score, metric) for score in scores if score.variant == variant]
    by_seed: dict[int | None, list[float]] = {}
    for score in scores:
        if score.variant == variant:
            by_seed.setdefault(score.seed, []).append(getattr(score, metric))
    means = [statistics.fmean(group) for group in by_seed.values()]
    mean = round(statistics.fmean(values), 4)
    return {"mean": mean, "sd": _spread(values), "n": len(values), "seed_sd": _spread(means)}


def _spread(values: Sequence[float]) -> float:
    return round(statistics.stdev(values), 4) if len(values) > 1 else 0.0


def _words(name: str, gap: Difference) -> str:
    if gap.low is None or gap.high is None:
        return f"{name} and the base differ by {gap.mean:+.2f} dB on one held-out image: too few to judge."
    figures = (
        f"{gap.mean:+.2f} dB masked PSNR (95 % interval {gap.low:+.2f} to {gap.high:+.2f}, {gap.n} images)"
    )
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
