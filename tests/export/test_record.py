"""``export.json`` and the report made of it may be handed on: nothing in them is of this machine."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from wrapper.export.export import Exported, ExportedFile
from wrapper.export.job import record
from wrapper.export.wish import Wish


@pytest.mark.parametrize("quoted", [str, lambda path: shlex.quote(str(path))], ids=["plain", "for a shell"])
def test_paths_are_told_below_the_folder_in_notes_too(tmp_path: Path, quoted: Callable[[Path], str]):
    folder = tmp_path / "мой 'p'" / "export"
    lora = folder / "a1111" / "models" / "Lora" / "x.safetensors"
    note = f"Before you publish it: lorawrap lora edit {quoted(lora)} --strip paths --out clean.safetensors"
    file = ExportedFile("a1111", ("a1111",), lora, "LoRA", 1, "00")
    found = record([Exported(Wish(Path("x.safetensors"), "x"), "sd15", "Kohya", [file], [], [note])], folder)
    assert found["loras"][0]["files"][0]["path"] == "a1111/models/Lora/x.safetensors"
    told = shlex.split(found["loras"][0]["notes"][0])
    assert told[told.index("edit") + 1] == "export/a1111/models/Lora/x.safetensors"
    assert str(tmp_path) not in json.dumps(found, ensure_ascii=False)


def test_what_a_killed_export_had_left_is_in_no_record(tmp_path: Path):
    done = Exported(Wish(Path("x.safetensors"), "x"), "sd15", "Kohya", [], [], [])
    told = replace(done, taken_back="An export that was killed had left 2 files.")
    assert record([told], tmp_path) == record([done], tmp_path)
