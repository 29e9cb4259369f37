"""What is said of a LoRA that was read: what was converted, and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.lora.spellings.written import FORMS, loha, named, plain, save, tucker
from wrapper.lora.spellings.read import read_any

torch = pytest.importorskip("torch")
LINEAR = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
CONV = "lora_unet_down_blocks_0_resnets_0_conv1"
DIFFUSERS = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
NO_ALPHA = FORMS["plain, no alpha"]
TAKEN = "the rank was taken for it (scale 1), as other programs do."


def _notes(tmp_path, tensors, metadata=None):
    return read_any(save(tmp_path / "a.safetensors", tensors, metadata)).notes


@pytest.mark.parametrize(
    ("module", "parts", "metadata", "notes"),
    [
        (LINEAR, plain((8, 8))[0], {}, ()),
        (LINEAR, plain((8, 8))[0], {"ot_branch": "master"}, ()),
        (DIFFUSERS, plain((8, 8))[0], {}, ("1 module was renamed (PEFT).",)),
        (LINEAR, NO_ALPHA((8, 8))[0], {}, (f"1 module has no alpha: {TAKEN}",)),
        (
            f"base_model.model.{DIFFUSERS.removeprefix('unet.')}",
            NO_ALPHA((8, 8))[0],
            {},
            (
                "1 module was renamed (PEFT).",
                f"1 module has no alpha, and no adapter_config.json lies beside the file: {TAKEN}",
            ),
        ),
        (
            DIFFUSERS,
            NO_ALPHA((8, 8))[0],
            {"lora_adapter_metadata": json.dumps({"unet.lora_alpha": 4})},
            ("1 module was renamed (PEFT).", "1 module has its alpha from PEFT's settings."),
        ),
        (
            DIFFUSERS,
            NO_ALPHA((8, 8))[0],
            {"lora_adapter_metadata": json.dumps({"text_encoder.lora_alpha": 4})},
            ("1 module was renamed (PEFT).", f"1 module has no alpha: {TAKEN}"),
        ),
        (LINEAR, loha((8, 8))[0], {}, ("1 LoHa modules were written as plain ones: their ranks multiply.",)),
        (
            CONV,
            tucker((8, 8, 3, 3))[0],
            {},
            ("1 Tucker modules were written as plain ones, core and down multiplied.",),
        ),
    ],
)
def test_exactly_what_was_converted_is_said(module, parts, metadata, notes, tmp_path):
    assert _notes(tmp_path, named(module, parts), metadata) == notes
