"""doctor tells what is there and what to do, and fails where work could not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from wrapper import doctor
from wrapper.cli.main import run
from wrapper.doctor import examine
from wrapper.finding import Finding


def test_this_machine_can_run_the_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["doctor", "--project", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert [
        word for word in ("Python", "torch", "disk", "device", "demo base", "next:") if word not in shown
    ] == []


def test_a_missing_package_is_a_fault_with_its_command(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "NEEDED", ("no-such-package-here",))
    assert run(["doctor", "--project", str(tmp_path)]) == 2
    assert "pip install no-such-package-here" in capsys.readouterr().out


def test_a_wrong_sd_scripts_folder_is_a_fault(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(tmp_path))
    found = [finding for finding in examine(tmp_path) if finding.subject == "sd-scripts"]
    assert [finding.level for finding in found] == ["fault"]


def test_doctor_says_which_engine_is_taken_and_why(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("LORAWRAP_SD_SCRIPTS", raising=False)
    monkeypatch.delenv("LORAWRAP_SD_SCRIPTS_PYTHON", raising=False)
    found = {finding.subject: finding for finding in examine(tmp_path)}
    assert found["engine"] == Finding("ok", "engine", "auto takes embedded: sd-scripts is not installed")
    assert (found["sd-scripts"].level, found["sd-scripts"].hint) == ("note", "lorawrap vendor install")


def test_little_disk_is_noted(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(doctor, "FREE_DISK_GIB", 10**9)
    assert next(f for f in examine(tmp_path) if f.subject == "disk").level == "note"
