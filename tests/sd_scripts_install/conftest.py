"""One whole installation a session, from a small repository and wheels of ours, without any network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sd_scripts_install.fakes import TAG, make_repository, make_wheels, offline
from wrapper.sd_scripts.install import install, plan
from wrapper.sd_scripts.installed import Installation
from wrapper.sd_scripts.places import CHECKOUT, PYTHON

PLACE = "мои 'данные' \"тут\" 🙂"


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch, tmp_path: Path):
    """Neither the user's own sd-scripts nor an earlier test's is in sight."""
    for name in (CHECKOUT, PYTHON):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LORAWRAP_DATA_DIR", str(tmp_path / PLACE))
    monkeypatch.setenv("LORAWRAP_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("upstream") / "sd scripts"
    make_repository(folder)
    return folder


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("колёса")
    make_wheels(folder)
    return folder


@pytest.fixture(scope="session")
def installed_once(tmp_path_factory: pytest.TempPathFactory, repository: Path, wheels: Path) -> Installation:
    """Installed behind a path with quotes, spaces, Cyrillic and an emoji; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LORAWRAP_DATA_DIR", str(tmp_path_factory.mktemp("data") / PLACE))
        for name, value in {**offline(wheels), **misleading(tmp_path_factory.mktemp("elsewhere"))}.items():
            patch.setenv(name, value)
        return install(plan(str(repository), TAG, torch="2.13.0"))


def misleading(elsewhere: Path) -> dict[str, str]:
    """What a user may have set for a Python of their own, and would break another one."""
    (elsewhere / "torch.py").write_text("raise SystemExit('the wrong torch')\n", encoding="utf-8")
    return {"PIP_TARGET": str(elsewhere), "PIP_USER": "1", "PYTHONPATH": str(elsewhere)}


@pytest.fixture
def installed(installed_once: Installation, monkeypatch) -> Installation:
    """The same, where this test looks for it."""
    data = installed_once.checkout.parents[2]
    monkeypatch.setenv("LORAWRAP_DATA_DIR", str(data))
    assert os.environ["LORAWRAP_DATA_DIR"] == str(data)
    return installed_once
