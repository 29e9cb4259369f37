"""Which program takes a file whole: the same counts that their real loaders gave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.export.loras import plain_layers, save, tensors
from wrapper.cli.lora.info import _verdicts
from wrapper.cli.main import run
from wrapper.lora.spellings.read import read_any
from wrapper.lora.spellings.write import under_diffusers_names
from wrapper.lora_tools.facts.info import look_at

Made = dict[str, Any]


@pytest.fixture(scope="module", params=["sd15", "sdxl"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def verdicts(path: Path) -> dict[str, tuple[bool, str]]:
    return {found.program: (found.whole, found.detail) for found in _verdicts(look_at(path, quick=True))}


def changed(kind: str, path: Path, change: Callable[[Made], Made] = lambda made: made) -> Path:
    return save(path, change(tensors(plain_layers(kind), rank=1)), {"ss_output_name": "x"})


def test_kohyas_form_is_taken_whole_by_everyone(kind: str, tmp_path: Path):
    found = verdicts(changed(kind, tmp_path / "a.safetensors"))
    assert found.keys() == {"A1111", "Forge", "ComfyUI", "diffusers"}
    assert all(whole for whole, _ in found.values()), found


def test_pefts_names_reach_diffusers_alone_and_half_of_comfyui(tmp_path: Path):
    lora = read_any(changed("sd15", tmp_path / "a.safetensors"))
    named, metadata = under_diffusers_names(lora.lora, lora.kind)
    found = verdicts(save(tmp_path / "b.safetensors", named, metadata))
    assert found["A1111"][1].startswith("0 of 264 layers")
    assert found["ComfyUI"][1].startswith("136 of 264 layers")  # 256 of 528 keys are not loaded
    assert found["Forge"] == (False, "refused: it does not know 256 keys")
    assert found["diffusers"] == (True, "all 264 layers")


def test_names_of_flattened_text_encoders_are_lost(tmp_path: Path):
    path = changed(
        "sd15",
        tmp_path / "a.safetensors",
        lambda made: {k.replace("te_text_model_", "te_"): v for k, v in made.items()},
    )
    found = verdicts(path)
    assert found["A1111"][1].startswith("192 of 264 layers")
    assert found["ComfyUI"][1].startswith("192 of 264 layers")
    assert found["Forge"][1].startswith("refused")


def test_half_an_attention_of_the_second_encoder_is_lost_in_a1111(tmp_path: Path):
    gone = "lora_te2_text_model_encoder_layers_0_self_attn_q_proj"
    found = verdicts(
        changed(
            "sdxl", tmp_path / "a.safetensors", lambda made: {k: v for k, v in made.items() if gone not in k}
        )
    )
    assert not found["A1111"][0]
    assert found["ComfyUI"][0]


def test_mixed_alphas_are_another_strength_in_diffusers(tmp_path: Path):
    name = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.alpha"
    found = verdicts(
        changed("sd15", tmp_path / "a.safetensors", lambda made: {**made, name: torch.tensor(4.0)})
    )
    assert found["diffusers"] == (False, "all layers, 1 attention at another strength: mixed alphas")
    assert found["A1111"][0]


def test_what_no_plain_lora_has_is_not_judged(tmp_path: Path):
    name = "lora_unet_mid_block_attentions_0_proj_in"
    found = verdicts(
        changed(
            "sd15",
            tmp_path / "a.safetensors",
            lambda made: {**made, f"{name}.dora_scale": torch.ones(1280, 1)},
        )
    )
    assert not any(whole for whole, _ in found.values())


def test_a_lora_for_a_base_of_another_size_is_not_judged(tmp_path: Path, capsys):
    made = tensors(dict(list(plain_layers("sd15").items())[:4]))
    for name in [name for name in made if name.endswith("_up.weight")]:
        made[name] = made[name][:5]
    path = save(tmp_path / "a.safetensors", {name: tensor.clone() for name, tensor in made.items()}, {})
    assert verdicts(path) == {}
    assert run(["lora", "info", str(path)]) == 0
    assert "only that base takes it" in capsys.readouterr().out
