"""``export.json`` and the report made of it may be handed on: nothing in them is of this machine."""

from __future__ import annotations

import json
from pathlib import Path

from wrapper.export.export import Exported, ExportedFile
from wrapper.export.job import record
from wrapper.export.wish import Wish


def test_paths_are_told_below_the_folder_in_notes_too(tmp_path: Path):
    folder = tmp_path / "мой 'p'" / "export"
    lora = folder / "a1111" / "models" / "Lora" / "x.safetensors"
    note = f"Before you publish it: lorawrap lora edit {lora} --strip paths --out clean.safetensors"
    file = ExportedFile("a1111", ("a1111",), lora, "LoRA", 1, "00")
    found = record([Exported(Wish(Path("x.safetensors"), "x"), "sd15", "Kohya", [file], [], [note])], folder)
    assert found["loras"][0]["files"][0]["path"] == "a1111/models/Lora/x.safetensors"
    assert "lora edit export/a1111/models/Lora/x.safetensors --strip" in found["loras"][0]["notes"][0]
    assert str(tmp_path) not in json.dumps(found, ensure_ascii=False)
