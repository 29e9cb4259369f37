"""Means, spreads, paired differences, and a verdict that does not flatter."""

from __future__ import annotations

import math

import pytest

from wrapper.evaluation.scores import Score, difference, judge, summarise


def score(image, variant, seed, psnr, ssim=0.5):
    picture = f"images/inpaint/{variant}/{image}.png"
    return Score(image, variant, seed, {"psnr_db": psnr, "ssim": ssim}, 0, picture)


def scores(stage_b, base, hole=10.0, ssim=0.6):
    """Two seeds for each value of ``stage_b`` and ``base``, one image each."""
    rows = []
    for number, (ours, theirs) in enumerate(zip(stage_b, base, strict=True)):
        rows.append(score(f"i{number}", "hole", None, hole))
        rows += [score(f"i{number}", "base", seed, theirs + seed) for seed in (-1, 1)]
        rows += [score(f"i{number}", "stage_b", seed, ours + seed, ssim) for seed in (-1, 1)]
    return rows


def test_mean_sd_and_n_cover_images_and_seeds():
    summary = summarise(scores([20, 22], [15, 15]))
    assert list(summary) == ["hole", "base", "stage_b"]
    figures = summary["stage_b"]["psnr_db"]
    assert (figures["mean"], figures["n"]) == (21, 4)
    assert figures["sd"] == pytest.approx((8 / 3) ** 0.5, abs=1e-4)
    assert figures["seed_sd"] == pytest.approx(2**0.5, abs=1e-4)
    hole = summary["hole"]["psnr_db"]
    assert (hole["mean"], hole["sd"], hole["n"], hole["seed_sd"]) == (10, 0, 2, 0)


def test_intervals_are_students_over_images_and_over_seeds():
    figures = summarise(scores([20, 22, 24], [15, 15, 15]))["stage_b"]["psnr_db"]
    assert (figures["low"], figures["high"]) == pytest.approx((22 - 4.968, 22 + 4.968), abs=1e-2)
    assert (figures["seed_low"], figures["seed_high"]) == pytest.approx((22 - 12.706, 22 + 12.706), abs=1e-2)
    assert summarise(scores([20], [15]))["hole"]["psnr_db"]["low"] is None


def test_the_difference_is_paired_by_image_with_students_interval():
    gap = difference(scores([20, 22, 24], [15, 18, 16]), "stage_b", "base", "psnr_db")
    assert (gap.mean, gap.n) == (pytest.approx(17 / 3, abs=1e-4), 3)
    half = 4.3027 * 2.0817 / 3**0.5
    assert gap.low == pytest.approx(17 / 3 - half, abs=1e-3)
    assert gap.high == pytest.approx(17 / 3 + half, abs=1e-3)


@pytest.mark.parametrize(
    ("stage_b", "base", "better", "words"),
    [
        ([20, 21, 22], [15, 16, 16.5], True, "Stage B beats the base: +5.17 dB"),
        ([15, 16, 16.5], [20, 21, 22], False, "Stage B is worse than the base: -5.17 dB"),
        ([15, 25, 20], [20, 20, 19], False, "No difference between Stage B and the base is shown"),
        ([25], [20], False, "too few to judge"),
    ],
    ids=["better", "worse", "unclear", "one image"],
)
def test_the_verdict_says_it_plainly(stage_b, base, better, words):
    verdict = judge(scores(stage_b, base))
    assert verdict["better"] is better
    assert words in verdict["text"]


def test_the_verdict_tells_of_worse_structure_and_of_a_better_hole():
    text = judge(scores([20, 21, 22], [15, 16, 16.5], hole=30.0, ssim=0.2))["text"]
    assert "structure got worse all the same: -0.300 masked SSIM" in text
    assert "grey hole is still 9.00 dB closer to the truth" in text


def test_without_stage_b_stage_a_is_judged():
    rows = [score("a", name, 1, value) for name, value in (("hole", 9), ("base", 15), ("stage_a", 18))]
    verdict = judge(rows)
    assert verdict["candidate"] == "stage_a"
    assert verdict["text"].startswith("Stage A and the base differ by +3.00 dB")


def test_a_figure_that_is_no_number_is_told_as_none():
    rows = [
        Score(f"image {n}", "base", 1, {"psnr_db": value}, 0, "") for n, value in enumerate((1.0, math.nan))
    ]
    told = summarise(rows)["base"]["psnr_db"]
    assert math.isnan(told["mean"])
    assert (told["low"], told["high"], told["n"]) == (None, None, 2)
