"""An installation that is killed with −9 leaves no git and no pip behind: they would download for minutes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.sd_scripts_install.fakes import TAG
from wrapper.sd_scripts.places import places_of

ROOT = Path(__file__).parents[2]
SLOW_GIT = """#!/bin/sh
case "$*" in
*"{at}"*) echo $$ > "{note}.part"; mv "{note}.part" "{note}"; exec sleep 600;;
esac
exec "{git}" "$@"
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a git that hangs while it fetches writes its number."""
    note, programs = tmp_path / "git's number", tmp_path / "programs"
    programs.mkdir()
    text = SLOW_GIT.format(at=" fetch ", note=note, git=shutil.which("git"))
    (programs / "git").write_text(text, encoding="utf-8")
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return note


def test_git_ends_with_it(started: Path, repository: Path):
    argv = [sys.executable, "-m", "wrapper", "vendor", "install", "--source", str(repository)]
    with subprocess.Popen(
        [*argv, "--ref", TAG, "--torch", "2.13.0"], stderr=subprocess.PIPE, encoding="utf-8"
    ) as child:
        while child.poll() is None and not started.exists():
            time.sleep(0.02)
        assert started.exists(), child.communicate()[1]
        left = psutil.Process(child.pid).children(recursive=True)
        assert int(started.read_text()) in [one.pid for one in left]
        child.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(left, timeout=30)
    for one in alive:
        one.kill()
    assert alive == []
    assert places_of(TAG).folder.is_dir()
