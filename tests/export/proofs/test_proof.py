"""Each proof fails for its own fault, and the change of the weights is compared exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.export.loras import METADATA, plain_layers, save, tensors
from wrapper.export.lora_file.form import normalised
from wrapper.export.proofs.program import prove_keys, prove_metadata
from wrapper.export.proofs.proof import Proof, prove_alpha, prove_modules
from wrapper.export.source import Source, read_source
from wrapper.lora.file import read_lora, write_lora
from wrapper.lora.metadata import training_metadata

NAME = "ear"
LAYERS = dict(list(plain_layers("sd15").items())[:6])
FIRST = next(iter(LAYERS))
RIGHT = training_metadata("sd15", False, NAME, {}, resolution=(512, 512))


def proofs(
    path: Path, made: dict[str, Any], source: Source, metadata: dict[str, str] = RIGHT
) -> dict[str, Proof]:
    write_lora(path, made, metadata)
    lora = read_lora(path)
    every = [
        *prove_modules(lora.modules(), source.modules, LAYERS, "the test", "fp16"),
        prove_alpha(lora.modules()),
        prove_metadata(path, lora.metadata, ["a1111", "forge"], "sd15", NAME),
        prove_keys(path, "a1111", "sd15", lora.modules()),
    ]
    return {proof.what: proof for proof in every}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return read_source(save(tmp_path / "source.safetensors", tensors(LAYERS)))


def _nan(made: dict[str, Any]) -> None:
    made[f"{FIRST}.lora_up.weight"].view(-1)[0] = float("nan")


def _other(made: dict[str, Any]) -> None:
    made[f"{FIRST}.lora_up.weight"] *= 1.02


def _mixed(made: dict[str, Any]) -> None:
    made[f"{FIRST}.alpha"] *= 2


def _rename(made: dict[str, Any]) -> None:
    for name in [name for name in made if name.startswith(f"{FIRST}.")]:
        made[name.replace("lora_unet_down", "lora_unet_dwn")] = made.pop(name)


def _one_less(made: dict[str, Any]) -> None:
    for name in [name for name in made if name.startswith(f"{FIRST}.")]:
        del made[name]


def _one_idle(made: dict[str, Any]) -> None:
    made[f"{FIRST}.lora_up.weight"] *= 0


KEYS = "every key has its layer, none is left out"


@pytest.mark.parametrize(
    ("spoil", "what", "said"),
    [
        (_nan, "finite and not zero", f"not finite in 1 module: {FIRST}; they are too large for fp16"),
        (_other, "same change of the weights as the source", f"2.0e-02 in {FIRST}"),
        (_mixed, "alpha on every module, one a component", "mixed in unet"),
        (_rename, KEYS, "1 of 6 have no layer in the test: lora_unet_dwn_blocks"),
        (_rename, "AUTOMATIC1111 maps every key", "3 of 18 keys are dropped: lora_unet_dwn_blocks"),
        (_one_less, KEYS, f"1 of 6 are not in the file: {FIRST}"),
        (_one_idle, "finite and not zero", f"1 module became zero in fp16: {FIRST}"),
    ],
)
def test_a_spoiled_file_fails_its_proof(
    spoil: Callable[[dict[str, Any]], None], what: str, said: str, source: Source, tmp_path: Path
):
    made = normalised(source.modules)
    assert all(proof.passed for proof in proofs(tmp_path / "good.safetensors", made, source).values())
    spoil(made)
    proof = proofs(tmp_path / "bad.safetensors", made, source)[what]
    assert not proof.passed
    assert said in proof.detail


def test_another_shape_than_the_layers_fails(source: Source, tmp_path: Path):
    made = normalised(source.modules)
    made[f"{FIRST}.lora_down.weight"] = made[f"{FIRST}.lora_down.weight"][:, 1:]
    write_lora(tmp_path / "narrow.safetensors", made, RIGHT)
    modules = read_lora(tmp_path / "narrow.safetensors").modules()
    shapes = prove_modules(modules, modules, LAYERS, "the test", "fp16")[1]
    assert (shapes.passed, shapes.detail) == (False, f"1 do not fit: {FIRST}")


def test_all_zero_is_not_a_lora(source: Source, tmp_path: Path):
    made = {name: tensor * ("up" not in name) for name, tensor in normalised(source.modules).items()}
    assert not proofs(tmp_path / "zero.safetensors", made, source)["finite and not zero"].passed


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"ss_output_name": "before"}, "ss_output_name is 'before', the file is called 'ear'"),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "AUTOMATIC1111 takes it for SDXL"),
        ({"modelspec.architecture": "stable-diffusion-v1-inpainting/lora"}, "Forge takes it for Unknown"),
        ({"note": "x" * (1 << 20)}, "ComfyUI shows at most 1048576"),
    ],
)
def test_metadata_that_a_program_misreads_fail(
    metadata: dict[str, str], said: str, source: Source, tmp_path: Path
):
    made = proofs(tmp_path / "other.safetensors", normalised(source.modules), source, {**RIGHT, **metadata})
    proof = made["metadata and hashes are the file's own"]
    assert not proof.passed
    assert said in proof.detail


def test_a_hash_of_other_weights_fails(source: Source, tmp_path: Path):
    path = save(tmp_path / "x.safetensors", normalised(source.modules), {**RIGHT, "sshs_model_hash": "00"})
    proof = prove_metadata(path, read_lora(path).metadata, [], "sd15", NAME)
    assert not proof.passed
    assert METADATA["ss_output_name"] not in proof.detail
    assert "sshs_model_hash is not the hash of the weights" in proof.detail
