"""The real sd-scripts: installed from a clone that is at hand, sharing this Python's torch."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from wrapper.cli.main import run
from wrapper.sd_scripts.installed import find_installation
from wrapper.sd_scripts.lock import lock, recorded_tables
from wrapper.sd_scripts.tables import TABLES, read_table

NAMED = os.environ.get("LORAWRAP_SD_SCRIPTS", "")
pytestmark = [
    pytest.mark.sd_scripts,
    pytest.mark.slow,
    pytest.mark.skipif(
        not NAMED or not (Path(NAMED) / ".git").exists(),
        reason="LORAWRAP_SD_SCRIPTS does not name a clone of sd-scripts to install from",
    ),
]


def test_the_real_one_is_installed_proved_and_its_options_are_the_recorded_ones(capsys):
    argv = ["vendor", "install", "--source", NAMED, "--system-torch", "--python", sys.executable]
    assert run(argv) == 0
    found = find_installation()
    assert (found.commit, found.pinned) == (lock().commit, True)
    for name in TABLES:
        assert without_help(read_table(found.options, name)) == read_table(recorded_tables(), name)
    capsys.readouterr()
    assert run(["vendor", "status"]) == 0
    assert run(["vendor", "options", "train_network.py", "min_snr_gamma", "--json"]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown[shown.index("{") :])["min_snr_gamma"]["help"]


def without_help(table):
    return {
        name: {key: fact for key, fact in facts.items() if key != "help"} for name, facts in table.items()
    }
