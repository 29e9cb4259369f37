"""Bases are recognised without torch; what is not supported is named in one sentence."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.models import KINDS
from wrapper.base_model.architecture import models_on_meta, read_configs
from wrapper.base_model.detect import BaseInfo, detect, resolve
from wrapper.base_model.single_file import text_configs, unet_config, vae_config

UNET = "model.diffusion_model."


@pytest.mark.parametrize("inpaint", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_is_recognised(kind, inpaint, tiny_base):
    folder = tiny_base(kind, inpaint)
    assert detect(folder) == BaseInfo(kind, inpaint, folder, False, 9 if inpaint else 4)


def _file(path: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    """A file that has tensors of these shapes, of half precision and full of nothing."""
    entries, place = {}, 0
    for name, shape in shapes.items():
        size = 2
        for side in shape:
            size *= side
        entries[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [place, place + size]}
        place += size
    header = json.dumps(entries).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with path.open("r+b") as stream:
        stream.truncate(8 + len(header) + place)
    return path


FIRST = {f"{UNET}input_blocks.0.0.weight": (320, 4, 3, 3)}
VAE = {"first_stage_model.encoder.conv_in.weight": (128, 3, 3, 3)}
CLIP = {"cond_stage_model.transformer.text_model.final_layer_norm.bias": (768,)}


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        pytest.param(
            {**FIRST, **VAE, "cond_stage_model.model.ln_final.bias": (1,)}, "an SD 2 model", id="SD 2"
        ),
        pytest.param({**FIRST, **VAE, **CLIP, "v_pred": (0,)}, "a v-prediction model", id="v-prediction"),
        pytest.param(
            {**FIRST, **VAE, "conditioner.embedders.0.model.ln_final.bias": (1,)},
            "an SDXL refiner",
            id="refiner",
        ),
        pytest.param({f"{UNET}joint_blocks.0.x": (1,)}, "an SD3 model", id="SD3"),
        pytest.param({"double_blocks.0.x": (1,)}, "a Flux model", id="Flux"),
        pytest.param({"lora_unet_x.alpha": (1,)}, "a LoRA", id="LoRA"),
        pytest.param({"decoder.conv_in.bias": (1,)}, "a VAE alone", id="VAE"),
        pytest.param({"down_blocks.0.x": (1,)}, "a U-Net alone", id="U-Net"),
        pytest.param({"x": (1,)}, "an unknown model", id="unknown"),
        pytest.param(
            {f"{UNET}input_blocks.0.0.weight": (320, 8, 3, 3), **VAE, **CLIP},
            "8 input channels",
            id="8 channels",
        ),
        pytest.param({**FIRST, **CLIP}, "no VAE", id="no VAE"),
        pytest.param({**FIRST, **VAE}, "no text encoder", id="no text encoder"),
    ],
)
def test_files_that_are_no_base_are_named(shapes, says, tmp_path):
    path = _file(tmp_path / "модель.safetensors", shapes)
    with pytest.raises(UserError, match=says) as raised:
        detect(path)
    assert str(path) in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("name", ["a.ckpt", "a.pt", "a.bin", "a.CKPT"])
def test_pickles_are_refused_unopened(name, tmp_path):
    (tmp_path / name).write_bytes(b"cos\nsystem\n")
    with pytest.raises(UserError, match="pickled"):
        detect(tmp_path / name)


def _edited(folder: Path, file: str, **values: object) -> None:
    data = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({**data, **values}))


@pytest.mark.parametrize(
    ("kind", "file", "values", "says"),
    [
        ("sd15", "model_index.json", {"_class_name": "StableDiffusion3Pipeline"}, "a StableDiffusion3 model"),
        ("sd15", "model_index.json", {"_class_name": "FluxPipeline"}, "a Flux model"),
        ("sdxl", "model_index.json", {"text_encoder": [None, None]}, "an SDXL refiner"),
        ("sd15", "unet/config.json", {"cross_attention_dim": 1024}, "SD 2"),
        ("sd15", "unet/config.json", {"in_channels": 5}, "5 input channels"),
        ("sd15", "scheduler/scheduler_config.json", {"prediction_type": "v_prediction"}, "v-prediction"),
    ],
)
def test_folders_that_are_no_base_are_named(kind, file, values, says, tiny_base, tmp_path):
    folder = shutil.copytree(tiny_base(kind), tmp_path / "base")
    _edited(folder, file, **values)
    with pytest.raises(UserError, match=says):
        detect(folder)


def test_a_folder_without_its_files_is_refused(tiny_base, tmp_path):
    folder = shutil.copytree(tiny_base("sd15"), tmp_path / "base")
    (folder / "unet" / "config.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        detect(folder)
    (folder / "unet" / "config.json").unlink()
    with pytest.raises(UserError, match=r"no unet/config\.json"):
        detect(folder)
    (folder / "model_index.json").write_text("[]")
    with pytest.raises(UserError, match="not a JSON object"):
        detect(folder)
    (folder / "model_index.json").unlink()
    with pytest.raises(UserError, match="not a diffusers folder"):
        detect(folder)


@pytest.mark.parametrize("spec", ["runwayml/stable-diffusion-v1-5", "нет такой/папки"])
def test_a_base_that_is_not_there_is_not_downloaded(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no such base model") as raised:
        resolve(spec, False, tmp_path)
    assert "nothing is downloaded" in raised.value.hint


def test_a_path_resolves_to_what_it_is(tiny_base, tmp_path):
    assert resolve(str(tiny_base("sd15")), True, tmp_path).inpaint is False


@pytest.mark.parametrize("inpaint", [False, True])
def test_demo_resolves_to_the_demo_s_own_base(inpaint, tmp_path, tiny_base, monkeypatch):
    import wrapper.demo.base_model

    folders = (tiny_base("sd15"), tiny_base("sd15", inpaint=True))
    monkeypatch.setattr(wrapper.demo.base_model, "materialise", lambda cache: folders)
    assert resolve("demo", inpaint, tmp_path) == detect(folders[inpaint])


@pytest.mark.parametrize("inpaint", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_sizes_are_told_from_shapes_as_the_folder_s_own_configs_tell_them(kind, inpaint, tiny_base):
    from tests.single_files import ldm_shapes

    folder = tiny_base(kind, inpaint)
    shapes, told = ldm_shapes(folder), read_configs(detect(folder))
    found = (unet_config(shapes, kind), vae_config(shapes, kind), *text_configs(shapes, kind))
    for ours, theirs in zip(found, (told.unet, told.vae, *told.text), strict=True):
        assert {key: _plain(value) for key, value in ours.items()} == {
            key: _plain(theirs[key]) for key in ours
        } | _single(ours, theirs)


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _single(ours, theirs):
    """Diffusers writes one number where all blocks have the same."""
    same = {}
    for key in ("transformer_layers_per_block", "attention_head_dim"):
        if key in ours and not isinstance(theirs[key], list | tuple) and isinstance(ours[key], tuple):
            same[key] = [theirs[key]] * len(ours[key])
    return same


def test_models_on_meta_weigh_nothing(tiny_base):
    models = models_on_meta(read_configs(detect(tiny_base("sdxl"))), "sdxl")
    assert list(models) == ["unet", "te1", "te2"]
    assert all(weight.is_meta for model in models.values() for weight in model.parameters())


def test_detection_needs_no_torch(tiny_base):
    code = (
        "import sys; from pathlib import Path; from wrapper.base_model.detect import detect\n"
        "detect(Path(sys.argv[1]))\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'safetensors', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tiny_base("sd15"))], check=True)
