"""The guide on LoRA tools: every command runs, in order, on a tiny base; its tables say what the code has."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.docs.console import DOCS, commands
from tests.lora.loras import base_layers, random_tensors
from wrapper.cli.lora import NAMES
from wrapper.cli.main import run
from wrapper.lora.file import write_lora
from wrapper.lora.leaks import TOPICS
from wrapper.safetensors_header import read_header

TinyBase = Callable[..., Path]
GUIDE = "LORA_TOOLS.md"
TEXT = (DOCS / GUIDE).read_text(encoding="utf-8")
TOLD = {
    "ss_base_model_version": "sd_v1",
    "ss_dataset_dirs": json.dumps({"2_myface person": {"n_repeats": 2, "img_count": 4}}),
}


def test_every_command_of_the_guide_runs(tiny_base: TinyBase, tmp_path: Path, monkeypatch, capsys):
    shutil.copytree(tiny_base("sd15"), tmp_path / "base")
    layers = base_layers(tmp_path / "base")
    for seed, name in enumerate(("face", "ear")):
        write_lora(tmp_path / f"{name}.safetensors", random_tensors(layers, seed), TOLD)
    monkeypatch.chdir(tmp_path)
    found = commands(GUIDE)
    assert {argv[1] for argv in found} == set(NAMES)
    for argv in found:
        assert run(argv) == 0, (argv, capsys.readouterr().err)
    cleaned = read_header(Path("face_clean.safetensors")).metadata
    assert cleaned["modelspec.license"] == "CC BY 4.0"
    assert "myface" not in cleaned["ss_dataset_dirs"]


def test_the_tables_name_what_there_is():
    named = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert tuple(named[: len(NAMES)]) == NAMES
    assert tuple(named[-len(TOPICS) :]) == TOPICS
