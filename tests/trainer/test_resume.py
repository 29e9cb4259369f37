"""A resumed run ends with the very same weights as an uninterrupted one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from dataset_tools.errors import UserError
from wrapper.lora.file import read_lora
from wrapper.runs.events import parse
from wrapper.trainer.run import run

VARIED = {
    "network_dropout": 0.3,
    "noise_offset": 0.05,
    "lr_scheduler": "cosine_with_restarts",
    "lr_scheduler_num_cycles": 2,
    "lr_warmup_steps": 2,
    "gradient_accumulation_steps": 2,
    "save_state": True,
    "save_every_n_epochs": 1,
}
SUBSET = {"flip_aug": True, "caption_dropout_rate": 0.3, "shuffle_caption": True}


@pytest.fixture
def trained(make_settings, tmp_path: Path) -> Path:
    run(make_settings(subset=SUBSET, max_train_epochs=3, **VARIED))
    return tmp_path / "out put"


def test_resumed_weights_are_bit_equal(make_settings, tmp_path: Path, trained: Path):
    whole = read_lora(trained / "zorn.safetensors")
    again = {**VARIED, "output_name": "again", "resume": str(trained / "zorn-000001-state")}
    run(make_settings(subset=SUBSET, max_train_epochs=3, **again))
    resumed = read_lora(trained / "again.safetensors")
    assert set(resumed.tensors) == set(whole.tensors)
    assert all(torch.equal(whole.tensors[name], resumed.tensors[name]) for name in whole.tensors)
    assert resumed.metadata["ss_steps"] == whole.metadata["ss_steps"] == "6"
    assert resumed.metadata["sshs_model_hash"] == whole.metadata["sshs_model_hash"]
    losses = [
        json.loads((trained / f"{n}-state" / "train_state.json").read_text())["losses"]
        for n in ("zorn", "again")
    ]
    assert losses[0] == losses[1]


def test_epochs_leave_checkpoints_and_states(trained: Path):
    assert sorted(path.name for path in trained.iterdir()) == [
        "zorn-000001-state",
        "zorn-000001.safetensors",
        "zorn-000002-state",
        "zorn-000002.safetensors",
        "zorn-state",
        "zorn.safetensors",
    ]


def test_a_finished_state_another_seed_and_another_network_are_refused(make_settings, trained: Path):
    def resume(state: str, **options: object) -> None:
        run(make_settings(subset=SUBSET, resume=str(trained / state), **{**VARIED, **options}))

    with pytest.raises(UserError, match="6 of 4 steps, there is nothing left to train"):
        resume("zorn-state", max_train_epochs=2)
    with pytest.raises(UserError, match="6 of 6 steps, there is nothing left to train"):
        resume("zorn-state", max_train_epochs=3, output_dir=str(trained / "elsewhere"))
    with pytest.raises(UserError, match="was trained with seed 7, not 8"):
        resume("zorn-000001-state", max_train_epochs=3, seed=8)
    with pytest.raises(UserError, match="does not fit"):
        resume("zorn-000001-state", max_train_epochs=3, network_dim=3)
    with pytest.raises(UserError, match="no state folder"):
        resume("nowhere", max_train_epochs=3)


def test_a_run_that_was_cut_off_after_its_last_state_gets_its_lora_and_tells_its_loss(
    make_settings, trained: Path, capfd
):
    whole = read_lora(trained / "zorn.safetensors")
    (trained / "zorn.safetensors").unlink()
    run(make_settings(subset=SUBSET, max_train_epochs=3, resume=str(trained / "zorn-state"), **VARIED))
    again = read_lora(trained / "zorn.safetensors")
    assert again.metadata["sshs_model_hash"] == whole.metadata["sshs_model_hash"]
    assert again.metadata["ss_steps"] == "6"
    losses = json.loads((trained / "zorn-state" / "train_state.json").read_text())["losses"]
    events = [event for line in re.split("[\r\n]", capfd.readouterr().out) if (event := parse(line))]
    assert (events[-1].step, events[-1].loss) == (6, pytest.approx(sum(losses) / len(losses), abs=0.01))


def test_a_run_that_was_cut_off_before_the_checkpoint_of_an_epoch_gets_it(make_settings, trained: Path):
    lost = trained / "zorn-000001.safetensors"
    whole = read_lora(lost)
    lost.unlink()
    state = str(trained / "zorn-000001-state")
    run(make_settings(subset=SUBSET, max_train_epochs=3, resume=state, **VARIED))
    again = read_lora(lost)
    assert again.metadata["sshs_model_hash"] == whole.metadata["sshs_model_hash"]
    assert (again.metadata["ss_steps"], again.metadata["ss_epoch"]) == ("2", "1")
