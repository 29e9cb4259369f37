"""Settings that a sweep gives the same value: one column, one axis, one name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.sweep.made_sweeps import Made, make_sweep
from wrapper.sweep.outcome.page.dots import setting_pictures
from wrapper.sweep.outcome.page.maps import setting_maps
from wrapper.sweep.outcome.page.table import heads, lines
from wrapper.sweep.outcome.ranking import rank
from wrapper.sweep.outcome.shown import swept_names
from wrapper.sweep.outcome.table import table_lines
from wrapper.sweep.outcome.words import ranking_words
from wrapper.sweep.trials import Sweep, Trial

DIM, RATE = (f"stage_b.kohya.{key}" for key in ("network_dim", "learning_rate"))
BOTH = ("stage_a.kohya.network_dim", DIM)


@pytest.mark.parametrize(
    ("trials", "names"),
    [
        ([{BOTH[0]: 4, DIM: 4, RATE: 4}, {BOTH[0]: 8, DIM: 8, RATE: 4}], ["network_dim", "learning_rate"]),
        ([{BOTH[0]: 4, DIM: 4}, {BOTH[0]: 8, DIM: 16}], list(BOTH)),
        ([{RATE: 1.0, DIM: 1}, {RATE: 2.0, DIM: 2}], ["learning_rate", "network_dim"]),
        ([{BOTH[0]: 1, RATE: 1}, {BOTH[0]: 2, RATE: 2}], ["network_dim + learning_rate"]),
        ([{BOTH[0]: 1, RATE: 1}], ["network_dim", "learning_rate"]),
        ([{BOTH[0]: 1, DIM: 1}], ["network_dim"]),
    ],
    ids=["KEY+KEY", "apart", "a number and a whole one", "other names", "one trial", "one trial, KEY+KEY"],
)
def test_settings_that_always_have_one_value_are_one(
    tmp_path: Path, trials: Sequence[Mapping[str, float]], names: Sequence[str]
):
    found = [Trial(f"{number:03d}", tmp_path, settings) for number, settings in enumerate(trials, start=1)]
    keys = list(dict.fromkeys(key for settings in trials for key in settings))
    sweep = Sweep("s", tmp_path, tmp_path, ["stage_b"], keys, found)
    assert list(swept_names(sweep).values()) == names


def test_settings_that_go_together_are_one_column_and_one_axis(tmp_path: Path):
    """Both stages' rank: the best is told with it once, and the page has no map of it against itself."""
    made = make_sweep(tmp_path, [Made({BOTH[0]: dim, DIM: dim}, dim, noise=0.1) for dim in (4, 8, 16)])
    ranking = rank(made)
    assert "trial 003 (network_dim 16) is the best" in ranking_words(ranking)[0]
    assert table_lines(ranking, 120)[0].count("network_dim") == 1
    head = heads(ranking)[0]
    assert (head.text, head.title) == ("network_dim", f"{BOTH[0]} + {DIM}")
    assert len({len(line.cells) for line in lines(ranking)} | {len(heads(ranking))}) == 1
    group, names = ranking.groups[0], swept_names(made)
    assert [picture.title for picture in setting_pictures(group, ranking.metric, names)] == ["network_dim"]
    assert setting_maps(group, ranking.metric, names) == []
