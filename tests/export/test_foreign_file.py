"""A LoRA file from anywhere brings its own words: metadata, and A1111's side-car beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.export.loras import save
from wrapper.export.foreign_file import wish_for

METADATA = {"modelspec.trigger_phrase": "from within", "modelspec.description": "told inside"}


def test_metadata_side_car_and_what_is_asked_for_stand_over_each_other(tmp_path: Path):
    path = save(tmp_path / "my ear.safetensors", {}, METADATA)
    assert (wish_for(path, None).name, wish_for(path, None).trigger) == ("my ear", "from within")
    side_car = {"activation text": "an ear", "preferred weight": 0.7, "negative text": "wax", "notes": "n"}
    (tmp_path / "my ear.json").write_text(json.dumps(side_car), encoding="utf-8")
    wish = wish_for(path, "x")
    assert (wish.name, wish.trigger, wish.prompt, wish.weight) == ("x", "an ear", "an ear", 0.7)
    assert (wish.description, wish.negative, wish.notes) == ("told inside", "wax", "n")
    assert wish_for(path, None, trigger="mine", weight=1.2, notes=None).trigger == "mine"


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "{", '{"activation text": 3, "preferred weight": "strong"}', '{"preferred weight": true}'],
)
def test_another_json_beside_it_says_nothing(text: str, tmp_path: Path):
    path = save(tmp_path / "x.safetensors", {}, METADATA)
    (tmp_path / "x.json").write_text(text)
    wish = wish_for(path, None)
    assert (wish.trigger, wish.weight) == ("from within", 1.0)


@pytest.mark.parametrize(
    ("metadata", "uses"),
    [
        ({"ss_v2": "False"}, ()),
        ({"modelspec.tags": "inpainting"}, ("inpaint",)),
        ({"modelspec.architecture": "stable-diffusion-v1-inpainting/lora"}, ("inpaint",)),
    ],
)
def test_what_it_was_trained_for_is_said_only_where_the_file_says_so(
    metadata: dict[str, Any], uses: tuple[str, ...], tmp_path: Path
):
    assert wish_for(save(tmp_path / "x.safetensors", {}, metadata), None).uses == uses
