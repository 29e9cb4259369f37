"""sd-scripts' own scripts, unedited, train tiny bases: what every other test here stands on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sd_scripts.harness import train_arguments
from wrapper.lora.file import read_lora
from wrapper.lora.verify import verify_lora


@pytest.mark.parametrize(
    ("kind", "script"), [("sd15", "train_network.py"), ("sdxl", "sdxl_train_network.py")]
)
def test_a_tiny_base_trains(scripts, single_base, photos, tmp_path: Path, kind: str, script: str):
    base = single_base(kind)
    arguments = train_arguments(base, tmp_path / "out", train_data_dir=photos(4), resolution=64)
    done = scripts.run(base, script, [*arguments, "--caption_extension=.txt"])
    assert done.returncode == 0, done.stdout
    made = tmp_path / "out" / "tiny.safetensors"
    assert verify_lora(made, kind) == []
    assert read_lora(made).metadata["ss_steps"] == "2"
