"""Whole runs on tiny random bases."""

from __future__ import annotations

from pathlib import Path

import pytest

from wrapper.lora.file import read_lora
from wrapper.trainer.run import run

SCRIPTS = [
    ("train_network", "sd15"),
    ("train_network_inpaint", "sd15"),
    ("sdxl_train_network", "sdxl"),
    ("train_network_inpaint", "sdxl"),
]


@pytest.mark.parametrize(("script", "kind"), SCRIPTS)
def test_every_kind_of_base_is_trained_and_its_file_is_whole(make_settings, tmp_path: Path, script, kind):
    settings = make_settings(script, kind=kind)
    run(settings)
    lora = read_lora(tmp_path / "out put" / "zorn.safetensors")
    assert lora.metadata["ss_steps"] == "6"
