"""``lorawrap evaluate``: the table and the verdict on the terminal."""

from __future__ import annotations

import pytest

from tests.evaluation.projects import make_project
from wrapper.cli.main import run

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_the_scores_and_the_verdict_are_printed(tiny_base, tmp_path, capsys):
    folder = make_project(tmp_path / "my 'p' ухо", tiny_base)
    assert run(["evaluate", "--project", str(folder), "--set", "evaluate.seeds=[1]"]) == 0
    said = capsys.readouterr().out
    assert [name for name in ("hole", "base", "stage_a", "stage_b") if name not in said] == []
    assert "Stage B" in said
    assert "largest difference outside the masks: 0" in said
    assert "next: lorawrap export" in said
    assert (folder / "evaluation.json").is_file()


def test_a_folder_without_a_project_is_refused(tmp_path, capsys):
    assert run(["evaluate", "--project", str(tmp_path)]) == 2
    assert "lorawrap.toml" in capsys.readouterr().err
