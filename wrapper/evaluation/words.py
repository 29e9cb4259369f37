"""A choice in plain words: which checkpoint, by what, how sure, and where the difference is noise."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from dataset_tools.wording import count_of
from wrapper.evaluation.choosing import RULES, Chosen
from wrapper.evaluation.comparing import Gap
from wrapper.evaluation.metrics import METRICS, Metric

STAGES = {"stage_a": "Stage A", "stage_b": "Stage B"}
Titles = Mapping[str, str]
Figures = Mapping[str, Mapping[str, float]]


def choice_words(stage: str, found: Chosen, values: Figures, metric: Metric, titles: Titles) -> str:
    """Two to four sentences."""
    first = reason(stage, found, values, metric, titles)
    return " ".join([first, *_sureness(found, metric, titles), *_against_last(found, metric)])


def reason(stage: str, found: Chosen, values: Figures, metric: Metric, titles: Titles) -> str:
    """The first of them: what is chosen, and by which rule."""
    mean = metric.show(fmean(values[found.name].values()))
    return (
        f"{STAGES[stage]}: of {count_of(len(values), 'checkpoint')} {titles[found.name]} is chosen "
        f"({metric.title} {mean}): {RULES[found.rule]}."
    )


def _sureness(found: Chosen, metric: Metric, titles: Titles) -> list[str]:
    if not found.gaps or found.units < 2:
        return []
    gap = found.gaps[found.runner_up]
    noise = "" if not gap.is_noise else ", which is noise"
    best = "It" if found.best == found.name else f"The best, {titles[found.best]},"
    ahead = f"{best} is {gap_words(gap, metric)} better than the runner-up, {titles[found.runner_up]}{noise}."
    return [ahead, first_words(found.best_chance[found.best])]


def _against_last(found: Chosen, metric: Metric) -> list[str]:
    gap = found.over_last
    if gap is None or (found.gaps and gap == found.gaps[found.runner_up]):
        return []
    if gap.is_noise:
        return [f"Against the last the difference is noise: {gap_words(gap, metric)}."]
    return [f"It is {gap_words(gap, metric)} {'better' if gap.mean > 0 else 'worse'} than the last."]


def gap_words(gap: Gap, metric: Metric) -> str:
    """``0.82 dB (corrected 95 % interval +0.10 dB to +1.54 dB)``: more is better, whatever the metric."""
    mean = metric.show_difference(gap.mean) if gap.is_noise else metric.show(abs(gap.mean))
    if gap.low is None or gap.high is None:
        return mean
    low, high = metric.show_difference(gap.low), metric.show_difference(gap.high)
    return f"{mean} (corrected 95 % interval {low} to {high})"


def first_words(chance: float) -> str:
    """How often the best comes first."""
    return f"It comes first in {chance:.0%} of resampled sets of images.".replace("%", " %")


def overfit_words(found: Chosen, held: Figures, train: Figures, titles: Titles) -> str:
    """What the loss on held-out images did after its lowest, against that on training images.

    ``found`` is the choice by the held-out loss.
    """
    best, last, loss = found.best, list(held)[-1], METRICS["loss"]
    if best == last:
        return "No overfitting is seen: the held-out loss is lowest at the last checkpoint."
    rise = found.gaps[last]
    figures = f"{loss.show_difference(rise.mean)} on held-out images since {titles[best]}"
    fall = fmean(train[last].values()) - fmean(train[best].values()) if train else 0.0
    figures += f", {loss.show_difference(fall)} on training images"
    if rise.is_noise:
        return f"Whether it overfits cannot be told from noise: the loss changed by {figures}."
    if fall < 0:
        return f"It overfits: the loss changed by {figures}."
    return f"It gets worse, on training images too: the loss changed by {figures}."
