"""An export delivers every file or none, and only what was proved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image, PngImagePlugin

from dataset_tools.errors import RunFailed, UserError
from tests.export.loras import places, plain_layers, save, tensors
from wrapper.export.export import Exported, export
from wrapper.export.plan import Order
from wrapper.export.proving import NOT_DRAWN
from wrapper.export.wish import Wish
from wrapper.lora.file import read_lora
from wrapper.lora.hashes import model_hash

NAME = "моё лицо 🙂"
FIRST_CONV = "lora_unet_down_blocks_0_attentions_0_proj_in"


@pytest.fixture(scope="module")
def sd15(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("loras") / "it's mine.safetensors", tensors(plain_layers("sd15")))


@pytest.fixture(scope="module")
def delivered(sd15: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Exported, Path]:
    root = tmp_path_factory.mktemp("my UIs")
    picture = root / "picture.png"
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", "an ear\nSteps: 4, Sampler: Euler a, Seed: 1")
    Image.new("RGB", (32, 32), (200, 150, 120)).save(picture, pnginfo=chunks)
    Image.new("L", (32, 32), 0).save(root / "mask.png")
    wish = Wish(
        sd15,
        NAME,
        trigger="myface person",
        description="An ear.",
        negative="waxy skin",
        weight=0.8,
        preview=picture,
        example=(picture, root / "mask.png"),
    )
    return export([Order(wish)], places(a1111=root / "a1111", comfyui=root / "comfyui"))[0], root


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_each_program_finds_its_files_where_it_looks(delivered: tuple[Exported, Path]):
    _, root = delivered
    assert files(root / "a1111") == [f"models/Lora/{NAME}.{end}" for end in ("json", "png", "safetensors")]
    assert files(root / "comfyui") == [
        f"input/{NAME}_to_inpaint.png",
        f"models/loras/{NAME}.png",
        f"models/loras/{NAME}.safetensors",
        *(
            f"user/default/{folder}/{NAME}_{name}.json"
            for folder in ("workflows", "workflows_api")
            for name in ("inpaint", "inpaint_plain", "txt2img")
        ),
    ]


def test_every_proof_is_told_with_its_figures(delivered: tuple[Exported, Path]):
    exported, _ = delivered
    told = {proof.what: proof.detail for proof in exported.proofs}
    assert all(proof.passed for proof in exported.proofs)
    assert "264 modules (72 te, 192 unet)" in told["every key has its layer, none is left out"]
    assert (
        told["AUTOMATIC1111 maps every key"]
        == told["ComfyUI maps every key"]
        == "792 of 792 keys, 264 layers"
    )
    assert "264 of 264 modules" in told["finite and not zero"]
    assert float(told["same change of the weights as the source"].split()[-1]) < 1e-3
    assert [note for note in exported.notes if "is a new folder" not in note] == [NOT_DRAWN]


def test_the_file_is_fp16_under_its_new_name_with_true_hashes_and_no_captions(
    delivered: tuple[Exported, Path],
):
    _, root = delivered
    path = root / "a1111" / "models" / "Lora" / f"{NAME}.safetensors"
    lora = read_lora(path)
    assert {tensor.dtype for tensor in lora.tensors.values()} == {torch.float16}
    assert lora.metadata["ss_output_name"] == NAME
    assert lora.metadata["sshs_model_hash"] == model_hash(path)
    assert lora.metadata["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert "ss_tag_frequency" not in lora.metadata


def test_the_side_car_has_the_fields_that_a1111_reads(delivered: tuple[Exported, Path]):
    _, root = delivered
    card = json.loads((root / "a1111" / "models" / "Lora" / f"{NAME}.json").read_text(encoding="utf-8"))
    assert card == {
        "description": "An ear.",
        "sd version": "SD1",
        "activation text": "myface person",
        "preferred weight": 0.8,
        "negative text": "waxy skin",
        "notes": "Made for txt2img and an inpainting checkpoint.",
    }


def test_the_preview_opens_as_a_workflow_and_keeps_its_parameters(delivered: tuple[Exported, Path]):
    _, root = delivered
    with Image.open(root / "comfyui" / "models" / "loras" / f"{NAME}.png") as preview:
        text = dict(preview.text)
    assert text["parameters"].startswith("an ear\n")
    assert json.loads(text["prompt"])["2"]["inputs"]["lora_name"] == f"{NAME}.safetensors"
    assert json.loads(text["workflow"])["version"] == 0.4


def test_the_hole_is_where_the_example_is_transparent(sd15: Path, tmp_path: Path):
    image, mask = tmp_path / "image.png", tmp_path / "mask.png"
    Image.new("RGB", (8, 8), (10, 20, 30)).save(image)
    hole = Image.new("L", (8, 8), 0)
    hole.putpixel((3, 5), 255)
    hole.save(mask)
    wish = Wish(sd15, "ear", uses=("inpaint",), example=(image, mask))
    export([Order(wish)], places(comfyui=tmp_path / "ui"))
    with Image.open(tmp_path / "ui" / "input" / "ear_to_inpaint.png") as example:
        assert example.getpixel((3, 5)) == (10, 20, 30, 0)
        assert example.getpixel((0, 0)) == (10, 20, 30, 255)


def test_nothing_that_is_there_is_overwritten_unless_forced(sd15: Path, tmp_path: Path):
    there = tmp_path / "models" / "Lora" / "ear.json"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    with pytest.raises(UserError, match=r"ear\.json: is already there"):
        export([Order(Wish(sd15, "ear"))], places(a1111=tmp_path))
    assert files(tmp_path) == ["models/Lora/ear.json"]
    export([Order(Wish(sd15, "ear"))], places(a1111=tmp_path), force=True)
    assert files(tmp_path) == [f"models/Lora/ear.{end}" for end in ("json", "png", "safetensors")]
    assert there.read_text() != "mine"


def test_a_namesake_in_a_subfolder_is_refused_since_a1111_knows_base_names_only(sd15: Path, tmp_path: Path):
    save(tmp_path / "models" / "Lora" / "old" / "ear [1].safetensors", {})
    with pytest.raises(UserError, match="has the same name"):
        export([Order(Wish(sd15, "ear [1]"))], places(a1111=tmp_path))


def test_a_lora_of_a_foreign_layer_delivers_nothing_not_even_folders(tmp_path: Path):
    made = tensors(plain_layers("sd15"))
    for part in ("lora_down.weight", "lora_up.weight", "alpha"):
        made[f"lora_unet_conv_in.{part}"] = made[f"{FIRST_CONV}.{part}"].clone()
    source = save(tmp_path / "in" / "lora.safetensors", made)
    with pytest.raises(RunFailed, match=r"1 of 265 have no layer.*lora_unet_conv_in"):
        export([Order(Wish(source, "ear"))], places(a1111=tmp_path / "ui" / "deep"))
    assert files(tmp_path) == ["in/lora.safetensors"]
    assert not (tmp_path / "ui").exists()


def test_when_the_second_lora_fails_the_first_is_not_delivered_either(sd15: Path, tmp_path: Path):
    made = {name: tensor * ("up" not in name) for name, tensor in tensors(plain_layers("sd15")).items()}
    zero = save(tmp_path / "zero.safetensors", made)
    with pytest.raises(RunFailed, match="0 of 264 modules change something"):
        export([Order(Wish(sd15, "good")), Order(Wish(zero, "bad"))], places(a1111=tmp_path / "ui"))
    assert files(tmp_path) == ["zero.safetensors"]


@pytest.mark.parametrize("bad", ["a:b", "x>y", "a,b", "a=b", "../up", " ear", "", "x" * 300])
def test_names_that_a_prompt_or_a_file_cannot_have_are_refused(bad: str, sd15: Path, tmp_path: Path):
    with pytest.raises(UserError, match="does not work in A1111 and ComfyUI"):
        export([Order(Wish(sd15, bad))], places(a1111=tmp_path))
    assert files(tmp_path) == []
