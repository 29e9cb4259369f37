"""A stage's training as a step: what was cut off goes on, what changed begins anew."""

from __future__ import annotations

import json

import pytest

from dataset_tools.errors import UserError
from tests.launch.test_train import behave, interrupt, project
from wrapper.project.load import load_project
from wrapper.steps.training import can_go_on, is_trained, train_or_go_on

__all__ = ["behave", "project"]


@pytest.fixture
def cut_off(project, behave, monkeypatch):
    """A project whose Stage A was interrupted after a state was saved."""
    behave("good")
    interrupt(project, monkeypatch)
    return project


def test_a_run_that_was_cut_off_goes_on(cut_off, capsys):
    assert can_go_on(cut_off, "stage_a")
    train_or_go_on(cut_off, "stage_a")
    assert "stage_a: goes on from the last saved state" in capsys.readouterr().out
    assert [path.name for path in cut_off.paths.runs.iterdir()] == ["stage_a-001"]
    assert not can_go_on(cut_off, "stage_a")


def test_what_is_trained_is_not_trained_again_and_what_changed_is(cut_off, capsys):
    """As after `lorawrap train`, which the chain of `lorawrap run` knows nothing of."""
    train_or_go_on(cut_off, "stage_a")
    train_or_go_on(cut_off, "stage_a")
    assert "stage_a: trained already, by stage_a-001" in capsys.readouterr().out
    assert [path.name for path in cut_off.paths.runs.iterdir()] == ["stage_a-001"]
    assert not is_trained(load_project(cut_off.paths.root, ["stage_a.kohya.network_dim=4"]), "stage_a")
    published = cut_off.paths.lora("stage_a", cut_off.settings.project.name)
    whole = published.read_bytes()
    published.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert not is_trained(cut_off, "stage_a")
    published.write_bytes(whole)
    image = next((cut_off.paths.dataset / "stage_a/reg/1_person").glob("*.png"))
    image.write_bytes(image.read_bytes() + b" ")
    assert not is_trained(cut_off, "stage_a")


def test_a_run_whose_process_died_goes_on(cut_off):
    path = cut_off.paths.run("stage_a").record
    told = json.loads(path.read_text(encoding="utf-8"))
    dead = {**told, "status": "running", "process": {**told["process"], "pid": 2**22 + 1}}
    path.write_text(json.dumps(dead), encoding="utf-8")
    assert can_go_on(cut_off, "stage_a")
    path.write_text(json.dumps({**told, "status": "running"}), encoding="utf-8")
    with pytest.raises(UserError, match="stage_a-001 runs now"):
        can_go_on(cut_off, "stage_a")


def test_a_run_whose_surroundings_failed_goes_on_and_one_with_a_fault_of_its_own_does_not(cut_off):
    path = cut_off.paths.run("stage_a").record
    told = json.loads(path.read_text(encoding="utf-8"))
    for failed, goes_on in (({"cut_off": True}, True), ({}, False)):
        path.write_text(json.dumps({**told, "status": "failed", **failed}), encoding="utf-8")
        assert can_go_on(cut_off, "stage_a") is goes_on


def test_other_settings_or_images_begin_anew(cut_off):
    other = load_project(cut_off.paths.root, ["stage_a.kohya.network_dim=4"])
    assert not can_go_on(other, "stage_a")
    image = next((cut_off.paths.dataset / "stage_a/reg/1_person").glob("*.png"))
    image.write_bytes(image.read_bytes() + b" ")
    assert not can_go_on(cut_off, "stage_a")
