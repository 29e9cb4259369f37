"""The guides on data: every command runs, in order, on the photographs that they are written about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.guides.photographs import write_folder
from tests.docs.console import DOCS, commands
from wrapper.cli.main import run


@pytest.mark.parametrize("guide", ["DATA_PREPARATION.md", "QC_PIPELINE.md"])
def test_every_command_of_the_guide_runs(guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    write_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    for argv in commands(guide):
        assert run(argv) == 0, (argv, capsys.readouterr().err)


@pytest.mark.parametrize("guide", sorted(path.name for path in DOCS.glob("*.md")))
def test_what_a_guide_points_at_is_there(guide: str):
    text = (DOCS / guide).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text):
        assert (DOCS / target).exists(), target
