"""Figures of merit: the area under the ROC curve, F1, shares within a tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Decision(NamedTuple):
    """Accept or reject: F1 over the bad pictures, and the share of good ones that were rejected."""

    f1: float
    recall: float
    false_rejects: float
    right_reason: float


def auc(bad: Sequence[float], good: Sequence[float]) -> float:
    """Chance that a bad picture scores above a good one, ties counted half (Hanley & McNeil 1982)."""
    worse, better = np.asarray(bad, float), np.asarray(good, float)
    if not worse.size or not better.size:
        return float("nan")
    differences = worse[:, None] - better[None, :]
    return float((differences > 0).mean() + (differences == 0).mean() / 2)


def within(found: Sequence[float | None], truth: Sequence[float], least: float, share: float = 0.0) -> float:
    """Share of ``found`` that lie within max(``least``, ``share`` · truth); None is a miss."""
    hits = [
        value is not None and abs(value - true) <= max(least, share * true)
        for value, true in zip(found, truth, strict=True)
    ]
    return float(np.mean(hits)) if hits else float("nan")


def decide(
    bad: Sequence[tuple[bool, bool]],
    good: Sequence[bool],
) -> Decision:
    """``bad``: (rejected, with the right reason) for each bad picture; ``good``: rejected or not."""
    caught = sum(rejected for rejected, _ in bad)
    wrong = sum(good)
    f1 = 2 * caught / (2 * caught + wrong + len(bad) - caught)
    right = sum(fits for rejected, fits in bad if rejected)
    return Decision(f1, caught / len(bad), wrong / len(good), right / max(caught, 1))
