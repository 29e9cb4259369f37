"""`lorawrap lora convert`: real diffusers and real PEFT load what it writes, and it changes what it did."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from tests.export.loras import plain_layers, save, tensors
from tests.lora.loras import base_layers, random_lora
from tests.lora.spellings.written import loha, named
from wrapper.cli.main import run
from wrapper.lora.apply import LoraUse, apply_loras, pipeline_models
from wrapper.lora.file import read_lora
from wrapper.lora.hashes import model_hash
from wrapper.lora.spellings.read import read_any
from wrapper.lora_tools.converting import errors_between
from wrapper.safetensors_header import read_header

TinyBase = Callable[..., Path]


class Trained(NamedTuple):
    """A base, a LoRA for it, and the change of each layer."""

    base: Path
    lora: Path
    change: dict[str, torch.Tensor]


FEW = dict(list(plain_layers("sd15").items())[:12])


def convert(source: Path, target: str, out: Path, *more: str) -> int:
    return run(["lora", "convert", str(source), "--to", target, "--out", str(out), *more])


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    return save(
        tmp_path / "my 'ear' ухо 👂.safetensors", tensors(FEW), {"ss_output_name": "ear", "mine": "1"}
    )


@pytest.fixture(scope="module", params=["sd15", "sdxl"])
def trained(request: pytest.FixtureRequest, tiny_base: TinyBase, tmp_path_factory) -> Trained:
    """A LoRA on every layer of a tiny base, ranks and alphas different from layer to layer."""
    base = tiny_base(request.param)
    lora = random_lora(tmp_path_factory.mktemp("loras") / "mixed.safetensors", base_layers(base))
    return Trained(base, lora, wanted(base, lora))


def opened(base: Path) -> Any:
    from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline

    kind = StableDiffusionXLPipeline if (base / "text_encoder_2").is_dir() else StableDiffusionPipeline
    return kind.from_pretrained(base)


def merged(pipeline: Any) -> dict[str, torch.Tensor]:
    """Weights of all layers with the LoRA that is in them."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    found = {}
    for component, model in pipeline_models(pipeline)[1].items():
        for path, layer in model.named_modules():
            if isinstance(layer, BaseTunerLayer):
                (name,) = layer.lora_A
                change = layer.get_delta_weight(name)
                found[f"{component} {path.removeprefix('base_model.model.')}"] = change.detach()
    return found


def wanted(base: Path, lora: Path) -> dict[str, torch.Tensor]:
    pipeline = opened(base)
    apply_loras(pipeline, [LoraUse(lora)])
    return merged(pipeline)


def assert_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, change in one.items():
        assert torch.allclose(change, other[name], rtol=1e-5, atol=1e-7), name


def test_diffusers_own_loader_puts_in_the_same_change(trained: Trained, tmp_path: Path):
    base, lora, change = trained
    assert convert(lora, "diffusers", tmp_path / "d.safetensors") == 0
    pipeline = opened(base)
    pipeline.load_lora_weights(tmp_path, weight_name="d.safetensors")
    assert_equal(merged(pipeline), change)


def test_pefts_own_loader_puts_in_the_same_change(trained: Trained, tmp_path: Path, recwarn):
    from peft import PeftModel

    base, lora, change = trained
    assert convert(lora, "peft", tmp_path / "p") == 0
    pipeline = opened(base)
    for part in sorted(folder.name for folder in (tmp_path / "p").iterdir()):
        setattr(pipeline, part, PeftModel.from_pretrained(getattr(pipeline, part), tmp_path / "p" / part))
    assert_equal(merged(pipeline), change)
    assert [str(warning.message) for warning in recwarn if "missing" in str(warning.message).lower()] == []


def test_the_way_back_is_the_same_lora_at_one_alpha(trained: Trained, tmp_path: Path):
    lora = trained.lora
    source = read_any(lora)
    for target, out in (("diffusers", "d.safetensors"), ("peft", "p")):
        assert convert(lora, target, tmp_path / out) == 0
        back = tmp_path / f"{target}.safetensors"
        assert convert(tmp_path / out, "kohya", back) == 0
        made = read_any(back)
        assert (
            max(one.largest for one in errors_between(source.lora.modules(), made.lora.modules()).values())
            < 1e-6
        )
        for component in ("unet", "te"):
            found = {float(t) for name, t in made.lora.tensors.items()
                     if name.startswith(f"lora_{component}") and name.endswith(".alpha")}  # fmt: skip
            assert len(found) == 1


def test_a_file_that_is_kohyas_already_keeps_its_bits_and_gets_what_programs_look_for(
    lora: Path, tmp_path: Path
):
    before = lora.read_bytes()
    assert convert(lora, "kohya", tmp_path / "k.safetensors") == 0
    one, other = read_lora(lora), read_lora(tmp_path / "k.safetensors")
    assert all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)
    assert other.metadata["ss_base_model_version"] == "sd_v1"
    assert other.metadata["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert (other.metadata["mine"], other.metadata["ss_network_dim"]) == ("1", "2")
    assert other.metadata["sshs_model_hash"] == model_hash(tmp_path / "k.safetensors")
    assert lora.read_bytes() == before


@pytest.mark.parametrize(
    ("precision", "dtype", "most"), [("fp16", "F16", 2e-3), ("bf16", "BF16", 1e-2), ("fp32", "F32", 1e-7)]
)
@pytest.mark.parametrize("target", ["kohya", "diffusers", "peft"])
def test_precisions(target: str, precision: str, dtype: str, most: float, lora: Path, tmp_path: Path):
    out = tmp_path / ("p" if target == "peft" else "x.safetensors")
    assert convert(lora, target, out, "--precision", precision) == 0
    file = out / "unet" / "adapter_model.safetensors" if target == "peft" else out
    assert {spec.dtype for spec in read_header(file).tensors.values()} == {dtype}
    errors = errors_between(read_any(lora).lora.modules(), read_any(file).lora.modules())
    assert max(one.largest for one in errors.values()) < most


def test_text_encoders_have_the_names_of_the_transformers_that_is_asked_for(tmp_path: Path):
    some = {name: layer for name, layer in plain_layers("sdxl").items() if name.startswith("lora_te")}
    source = save(
        tmp_path / "x.safetensors", tensors(some, rank=1), {"ss_base_model_version": "sdxl_base_v1-0"}
    )
    found = {}
    for version in ("4", "5"):
        assert convert(source, "peft", tmp_path / version, "--transformers", version) == 0
        adapters = {
            folder.name: folder / "adapter_model.safetensors" for folder in (tmp_path / version).iterdir()
        }
        found[version] = {part: next(iter(read_header(file).tensors)) for part, file in adapters.items()}
    start = "base_model.model."
    assert found["4"]["text_encoder"].startswith(f"{start}text_model.encoder.layers.")
    assert found["5"]["text_encoder"].startswith(f"{start}encoder.layers.")
    assert found["4"]["text_encoder_2"] == found["5"]["text_encoder_2"]


def test_what_is_exact_is_converted_and_told(tmp_path: Path, capsys):
    module = next(iter(FEW))
    made, delta = loha(FEW[module].weight_shape)
    source = save(tmp_path / "loha.safetensors", named(module, made), {})
    assert convert(source, "kohya", tmp_path / "k.safetensors") == 0
    shown = capsys.readouterr().out
    assert "LoHa modules were written as plain ones" in shown
    assert "exact" in shown
    parts = read_lora(tmp_path / "k.safetensors").modules()[module]
    scale = float(parts["alpha"]) / parts["lora_down.weight"].shape[0]
    change = scale * parts["lora_up.weight"].flatten(1) @ parts["lora_down.weight"].flatten(1)
    assert torch.allclose(change.double().reshape(delta.shape), delta, rtol=1e-4, atol=1e-5)


def test_what_is_not_exact_is_named_and_nothing_is_written(tmp_path: Path, capsys):
    module = next(iter(FEW))
    odd = {**tensors(FEW), f"{module}.dora_scale": torch.ones(320, 1)}
    assert convert(save(tmp_path / "x.safetensors", odd, {}), "kohya", tmp_path / "k.safetensors") == 2
    assert f"'{module}' is a DoRA" in capsys.readouterr().err
    assert not (tmp_path / "k.safetensors").exists()


def test_numbers_that_a_precision_cannot_hold_are_refused(tmp_path: Path, capsys):
    big = {name: tensor * (1e6 if name.endswith("up.weight") else 1) for name, tensor in tensors(FEW).items()}
    source = save(tmp_path / "x.safetensors", big, {})
    assert convert(source, "diffusers", tmp_path / "d.safetensors", "--precision", "fp16") == 2
    assert "give --precision fp32" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.safetensors"]
    assert convert(source, "kohya", tmp_path / "k.safetensors", "--precision", "fp16") == 0


def test_nan_is_refused(tmp_path: Path, capsys):
    made = tensors(FEW)
    made[f"{next(iter(FEW))}.lora_up.weight"][0] = float("nan")
    assert convert(save(tmp_path / "x.safetensors", made, {}), "kohya", tmp_path / "k.safetensors") == 2
    assert "not finite" in capsys.readouterr().err


def test_a_file_that_does_not_tell_its_base_is_asked_for_it(tmp_path: Path, capsys):
    name = "unet.mid_block.attentions.0.proj_in"
    made = {f"{name}.lora_A.weight": torch.randn(2, 1280), f"{name}.lora_B.weight": torch.randn(1280, 2)}
    source = save(tmp_path / "x.safetensors", made, {})
    assert convert(source, "kohya", tmp_path / "k.safetensors") == 2
    assert "SD 1.5 or SDXL" in capsys.readouterr().err
    assert convert(source, "kohya", tmp_path / "k.safetensors", "--for", "sdxl") == 0
    assert "lora_unet_middle_block_1_proj_in.alpha" in read_header(tmp_path / "k.safetensors").tensors


def test_a_dry_run_writes_nothing(lora: Path, tmp_path: Path, capsys):
    assert convert(lora, "peft", tmp_path / "p", "--dry-run") == 0
    assert "'base_model.model." in capsys.readouterr().out
    assert not (tmp_path / "p").exists()


def test_what_is_there_stays(lora: Path, tmp_path: Path, capsys):
    out = tmp_path / "k.safetensors"
    assert convert(lora, "kohya", lora, "--force") == 2
    assert convert(lora, "kohya", tmp_path / "k.bin") == 2
    assert convert(lora, "kohya", out) == 0
    assert convert(lora, "kohya", out) == 2
    assert convert(lora, "kohya", out, "--force") == 0
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "me.png").write_bytes(b"mine")
    capsys.readouterr()
    assert convert(lora, "peft", folder, "--force") == 2
    assert "holds other files" in capsys.readouterr().err
    assert (folder / "me.png").read_bytes() == b"mine"
    assert convert(lora, "peft", tmp_path / "p") == 0
    assert convert(lora, "peft", tmp_path / "p", "--force") == 0
    assert json.loads((tmp_path / "p" / "unet" / "adapter_config.json").read_text())["peft_type"] == "LORA"


def test_a_folder_without_a_lora_is_told_so(tmp_path: Path, capsys):
    (tmp_path / "empty").mkdir()
    assert convert(tmp_path / "empty", "kohya", tmp_path / "k.safetensors") == 2
    assert "a folder without a LoRA" in capsys.readouterr().err


def test_a_scale_that_would_round_makes_float32_and_says_so(tmp_path: Path, capsys):
    made = {name: t.half() if t.ndim else torch.tensor(0.7) for name, t in tensors(FEW).items()}
    source = save(tmp_path / "x.safetensors", made, {})
    assert convert(source, "diffusers", tmp_path / "d.safetensors") == 0
    assert "--precision fp16 is smaller" in capsys.readouterr().out
    assert {spec.dtype for spec in read_header(tmp_path / "d.safetensors").tensors.values()} == {"F32"}


def test_a_full_disk_leaves_nothing(lora: Path, tmp_path: Path, monkeypatch, capsys):
    from types import SimpleNamespace

    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    for target, out in (("kohya", "k.safetensors"), ("peft", "p")):
        assert convert(lora, target, tmp_path / out) == 2
    assert "free" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [lora.name]
