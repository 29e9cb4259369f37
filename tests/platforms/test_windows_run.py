"""`lorawrap run`, from photographs to the report, where Windows is played; a minute, so it is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.surroundings.project import make
from tests.platforms.legal import carriage_returns, illegal
from tests.platforms.windows.child import lorawrap

pytestmark = pytest.mark.skipif(not os.environ.get("LORAWRAP_FAULTS"), reason="LORAWRAP_FAULTS is not set")
CODE_PAGE = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252:strict"}


def test_the_whole_job_runs_and_has_nothing_to_do_then(tmp_path: Path):
    project = tmp_path / "Жанна's ✓ job"
    make(project)
    done = lorawrap("run", folder=project, timeout_s=3600, **CODE_PAGE)
    said = (done.stdout + done.stderr).decode("cp1252")
    assert done.returncode == 0, said
    assert "Traceback" not in said
    assert (project / "report.html").is_file()
    assert len(list((project / "loras").glob("*.safetensors"))) == 2
    assert list(illegal(project)) == []
    assert carriage_returns(project, ".toml", ".json", ".jsonl", ".html", ".txt") == []
    assert [path for path in project.rglob(".part-*") if path.is_dir()] == []
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*") if path.is_file()}
    again = lorawrap("run", folder=project, timeout_s=600, **CODE_PAGE)
    assert again.returncode == 0, again.stderr
    after = {path: path.stat().st_mtime_ns for path in project.rglob("*") if path.is_file()}
    changed = {path for path in after if before.get(path) != after[path]}
    assert [path for path in changed if path.parent.name != "locks" and path.name != "steps.json"] == []
