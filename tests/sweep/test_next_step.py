"""What `sweep show` tells a user to do next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sweep.made_sweeps import Made, make_sweep
from wrapper.cli.sweep_results import show_results
from wrapper.runs.record import this_process

DIM = "stage_b.kohya.network_dim"


@pytest.mark.parametrize(
    ("others", "best", "following"),
    [
        (["succeeded"], "The best trial is 001", "lorawrap export --project"),
        (["failed"], "The best trial is 001", "lorawrap export --project"),
        (["running", "waiting"], "The best trial so far is 001", "lorawrap sweep show"),
        (["waiting"], "The best trial so far is 001", "lorawrap sweep run"),
        (["interrupted", "failed"], "The best trial so far is 001", "lorawrap sweep run"),
    ],
    ids=["all", "failed", "running", "waiting", "interrupted"],
)
def test_the_best_is_taken_when_nothing_is_to_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], others: list[str], best: str, following: str
):
    made = [Made({DIM: 8}, 3), *(Made({DIM: 16 + n}, 1, status=one) for n, one in enumerate(others))]
    sweep = make_sweep(tmp_path, made)
    for trial, status in zip(sweep.trials[1:], others, strict=True):
        if status == "running":
            trial.record.write_text(json.dumps({"status": status, "process": this_process()}))
    show_results(sweep, tmp_path, "auto")
    said = capsys.readouterr().out
    assert best in said
    assert f"next: {following}" in said
    is_over = following == "lorawrap export --project"
    assert ("[stage_b.kohya]\nnetwork_dim = 8\n" in said) == is_over
    assert ("--trial 001 to put them there" in said) == is_over


def test_a_sweep_without_trials_has_a_next_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    show_results(make_sweep(tmp_path, []), tmp_path, "auto")
    assert "next: lorawrap sweep run" in capsys.readouterr().out
