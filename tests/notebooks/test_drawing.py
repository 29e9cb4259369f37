"""What a user may write into the fields of the inference notebook, before anything is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from wrapper.notebook import drawing as cells
from wrapper.notebook.drawing import Drawing
from wrapper.notebook.form import DEMO
from wrapper.notebook.stop import Stop


@pytest.fixture
def drawing(tmp_path: Path) -> Drawing:
    folder = tmp_path / "Loras" / "my loras"
    folder.mkdir(parents=True)
    save_file({"x": np.zeros(1, np.float32)}, folder / "mira.safetensors")
    Image.new("RGB", (64, 64)).save(tmp_path / "face 1.png")
    made = Drawing(tmp_path / "Loras")
    made.choose("anna", DEMO, "", "my loras")
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What would be run."""
    said: list[tuple[Any, ...]] = []
    monkeypatch.setattr(cells, "lorawrap", lambda *argv, folder: said.append(argv) or [])
    return said


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("a/b", DEMO), "'a/b' cannot be in the name"),
        (("anna", DEMO, "", "nowhere"), "lora_folder: there is no folder 'nowhere'"),
        (("anna", ""), "There is no project 'anna'"),
    ],
)
def test_a_choice_that_cannot_be_leaves_nothing_chosen(drawing: Drawing, given: Any, message: str):
    with pytest.raises(Stop, match=message):
        drawing.choose(*given)
    with pytest.raises(Stop, match="No base model and no LoRA are chosen yet"):
        drawing.draw("a woman", "1")


def test_the_lora_s_mark_is_left_out_of_before_and_after(drawing: Drawing, asked: list[tuple[Any, ...]]):
    drawing.compare("photo of a woman {lora}", "1")
    assert asked[0][asked[0].index("--prompt") + 1] == "photo of a woman"


def test_an_emptied_number_of_variants_is_one(drawing: Drawing, asked: list[tuple[Any, ...]]):
    drawing.repair("face 1.png", "ear", "a shape", "", "ear:10%,10%,50%,50%", "", count=None, seed=1)
    assert "--count" not in asked[0]


def test_an_empty_mask_file_is_asked_for(drawing: Drawing, asked: list[tuple[Any, ...]]):
    with pytest.raises(Stop, match="Fill in mask_file"):
        drawing.repair("face 1.png", "ear", "a mask file", "", "", "", count=1, seed=1)
    assert asked == []
