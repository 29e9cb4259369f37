"""The guide on exporting: every command runs, on a LoRA of full size; its tables say what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.console import DOCS, commands
from tests.export.loras import plain_layers, save, tensors
from wrapper.cli.main import run
from wrapper.export.places.names import FORBIDDEN
from wrapper.export.targets import TARGETS
from wrapper.export.wish import WORKFLOWS
from wrapper.lora.spellings.faults import MAX_RANK

GUIDE = "EXPORTING.md"
TEXT = (DOCS / GUIDE).read_text(encoding="utf-8")


def at_home(word: str) -> str:
    return str(Path(word).expanduser()) if word.startswith("~") else word


def test_every_command_of_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    save(tmp_path / "myface.safetensors", tensors(plain_layers("sd15")))
    for folder in ("stable-diffusion-webui/models/Lora", "forge/models/Lora", "ComfyUI/models/loras"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for argv in commands(GUIDE):
        assert run([at_home(word) for word in argv]) == 0, (argv, capsys.readouterr().err)
    said = capsys.readouterr().out
    proofs = set(re.findall(r"^  ✓ (.+?)  ", TEXT, re.MULTILINE))
    assert proofs <= set(re.findall(r"^  ✓ (.+?)  ", said, re.MULTILINE))
    assert (tmp_path / "ComfyUI/models/loras/people/faces/anna.safetensors").is_file()
    assert not (tmp_path / "ComfyUI/models/loras/second.safetensors").exists()


def test_the_guide_names_what_there_is():
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| `", TEXT, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(TARGETS)
    (letters,) = re.findall(r"So `(.+?)`, leading dots", TEXT)
    assert set(letters.split()) == set(FORBIDDEN)
    assert f"the rank stays at {MAX_RANK} or less" in TEXT
    assert all(f"`{name}`" in TEXT for name in WORKFLOWS)
