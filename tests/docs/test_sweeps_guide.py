"""The guide on sweeps: its commands run as they stand, and what it writes down is what they take."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.console import DOCS, commands
from wrapper.cli.main import run
from wrapper.sweep.planning.datasets import CACHING
from wrapper.sweep.planning.grids import parse_axis
from wrapper.sweep.planning.lists import read_rows

GUIDE = "SWEEPS.md"
TEXT = (DOCS / GUIDE).read_text(encoding="utf-8")


def test_every_command_of_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.chdir(tmp_path)
    for argv in commands(GUIDE):
        assert run(argv) == 0, (argv, capsys.readouterr().err)
    said = capsys.readouterr().out
    (shown,) = re.findall(r"--dry-run\n(001 new:.*?)```", TEXT, re.DOTALL)
    assert shown in said


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("stage_a.kohya.learning_rate=", [1e-5, 5e-5, 1e-4]),
        ("4..64*2", [4, 8, 16, 32, 64]),
        ("0.0..0.2+0.1", [0.0, 0.1, 0.2]),
        ("stage_b.kohya.network_dim=8,16", [8, 16]),
        ("captions.template=", ["{trigger}, photo", "portrait"]),
        ("balance.by=", [[], ["view"], ["view", "age"]]),
    ],
)
def test_the_grids_of_the_table_are_what_it_says(written: str, values: list[object]):
    (row,) = [line for line in TEXT.splitlines() if line.startswith("| `--grid") and written in line]
    (given,) = re.findall(r"`--grid '?([^`]*?)'?`", row)
    assert list(parse_axis(given).values) == values


def test_the_table_of_a_toml_list_is_the_one_that_is_read(tmp_path: Path):
    (name,) = re.findall(r"a `(\[\[\w+\]\])` table each", TEXT)
    (tmp_path / "a.toml").write_text(f"{name}\na.b = 1\n")
    assert read_rows(tmp_path / "a.toml")[0].settings == {"a.b": 1}
    assert all(f"`{key}`" in TEXT for key in CACHING)
