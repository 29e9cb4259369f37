"""Which trainer runs, and that its reason can be told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.launch import engine
from wrapper.launch.command import command
from wrapper.launch.engine import find_trainer
from wrapper.launch.processes import Processes
from wrapper.sd_scripts.lock import lock
from wrapper.sd_scripts.places import places_of

FAKE = Path(__file__).parent / "fake_trainer"
NAMED = ("LORAWRAP_SD_SCRIPTS", "LORAWRAP_SD_SCRIPTS_PYTHON")


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch):
    for name in NAMED:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def installed(monkeypatch, tmp_path: Path) -> Path:
    """A whole installation of the pinned version, as far as finding it goes; its checkout."""
    monkeypatch.setenv("LORAWRAP_DATA_DIR", str(tmp_path / "мои данные"))
    places = places_of(lock().tag)
    places.checkout.mkdir(parents=True)
    (places.checkout / "train_network.py").touch()
    record = {"tag": lock().tag, "commit": lock().commit, "pinned": True}
    places.record.write_text(json.dumps(record), encoding="utf-8")
    return places.checkout


def test_auto_is_the_embedded_trainer_where_nothing_is_installed():
    found = find_trainer("auto", "train_network")
    assert (found.engine, found.why) == ("embedded", "sd-scripts is not installed")


@pytest.mark.parametrize(("device", "taken"), [("cuda", "sd-scripts"), ("cpu", "embedded")])
def test_auto_takes_an_installed_one_on_a_gpu(installed, monkeypatch, device, taken):
    monkeypatch.setattr(engine, "find_device", lambda: device)
    found = find_trainer("auto", "train_network")
    assert found.engine == taken
    assert "CUDA GPU" in found.why


def test_an_installed_one_runs_on_a_cpu_when_it_is_asked_for(installed):
    assert find_trainer("sd-scripts", "train_network").checkout == installed


def test_auto_takes_a_named_checkout_that_has_the_script(monkeypatch):
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(FAKE))
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", sys.executable)
    found = find_trainer("auto", "train_network")
    assert (found.engine, found.program("train_network")) == ("sd-scripts", (str(FAKE / "train_network.py"),))
    assert find_trainer("auto", "sdxl_train_network").engine == "embedded"


def test_a_named_checkout_beats_an_installed_one(installed, monkeypatch):
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(FAKE))
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", sys.executable)
    assert find_trainer("auto", "train_network").checkout == FAKE


def test_the_script_is_told_where_sd_scripts_lies(installed, tmp_path):
    trainer = find_trainer("sd-scripts", "train_network")
    made = command(trainer, "train_network", tmp_path / "a", tmp_path / "b", Processes("cpu"))
    assert made.env["LORAWRAP_SD_SCRIPTS"] == str(installed)


@pytest.mark.parametrize(
    ("checkout", "python", "sentence"),
    [
        (None, None, "sd-scripts is not installed, and LORAWRAP_SD_SCRIPTS is not set"),
        (None, sys.executable, "LORAWRAP_SD_SCRIPTS_PYTHON is set and LORAWRAP_SD_SCRIPTS is not"),
        ("/no/such/folder", sys.executable, "there is no train_network.py in it"),
        (str(FAKE), None, "LORAWRAP_SD_SCRIPTS_PYTHON is not set"),
        (str(FAKE), "/no/such/python", "there is no such Python"),
    ],
)
def test_sd_scripts_asked_for_must_be_whole(monkeypatch, checkout, python, sentence):
    for name, value in zip(NAMED, (checkout, python), strict=True):
        if value:
            monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=sentence):
        find_trainer("sd-scripts", "train_network")


def test_a_script_that_sd_scripts_lacks_is_named(monkeypatch):
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(FAKE))
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", sys.executable)
    with pytest.raises(UserError, match=r"has no sdxl_train_network\.py"):
        find_trainer("sd-scripts", "sdxl_train_network")
