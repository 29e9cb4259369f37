"""Tiles, offload and half precision on a tiny pipeline, and what is said when memory runs out."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.errors import RunFailed, UserError
from tests.lora.loras import base_layers, random_lora
from wrapper.base_model.detect import detect
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.out_of_memory import is_out_of_memory, least_bytes
from wrapper.diffusion.pipelines.place import model_bytes, place, use_attention
from wrapper.diffusion.pipelines.placement import Placed, Placement
from wrapper.diffusion.pipelines.sampling import Sampling, run_batch
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.txt2img.generate import draw
from wrapper.lora.apply import LoraUse, apply_loras, unload_loras

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
QUICK = Sampling("Euler a", steps=2, cfg=3.0)
PROMPTS = [Prompt("a man", seed=1), Prompt("a dog", seed=2)]


def drawn(pipeline, size=(64, 64)):
    return np.stack(run_batch(pipeline, PROMPTS, QUICK, size)).astype(int)


@pytest.fixture
def info(tiny_base):
    return detect(tiny_base("sd15"))


@pytest.mark.parametrize("memory", ["balanced", "low"])
def test_pictures_no_larger_than_a_tile_are_the_same_in_tiles(info, memory, capsys):
    plain, tiled = (open_pipeline(info, "txt2img", placement=Placement(memory=m)) for m in ("full", memory))
    assert tiled.vae.use_tiling
    assert tiled.vae.use_slicing
    assert np.abs(drawn(plain) - drawn(tiled)).max() <= 1
    assert capsys.readouterr().err == "cpu, fp32, VAE in tiles\n"


def test_larger_pictures_come_in_tiles_that_are_blended(info):
    plain, tiled = (open_pipeline(info, "txt2img", placement=Placement(memory=m)) for m in ("full", "low"))
    whole, parts = drawn(plain, (96, 64)), drawn(tiled, (96, 64))
    assert parts.shape == whole.shape == (2, 64, 96, 3)
    assert not np.array_equal(whole, parts)
    assert np.abs(whole - parts).mean() < 25


def _layer_by_layer(pipeline, device):
    """diffusers' own, less the index that it adds to the device: there is no second CPU."""
    from accelerate import cpu_offload

    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            cpu_offload(part, torch.device(device))


@pytest.mark.parametrize("how", ["enable_model_cpu_offload", "enable_sequential_cpu_offload"])
def test_offload_changes_no_picture_and_loras_go_in_and_out(info, how, tiny_base, tmp_path, monkeypatch):
    plain, offloaded = (open_pipeline(info, "txt2img") for _ in range(2))
    monkeypatch.setattr(type(offloaded), "enable_sequential_cpu_offload", _layer_by_layer)
    getattr(offloaded, how)(device="cpu")
    before = drawn(plain)
    assert np.array_equal(drawn(offloaded), before)
    lora = LoraUse(random_lora(tmp_path / "a.safetensors", base_layers(tiny_base("sd15"))))
    for pipeline in (plain, offloaded):
        apply_loras(pipeline, [lora])
    assert offloaded.unet.conv_in.weight.is_meta == (how == "enable_sequential_cpu_offload")
    changed = drawn(plain)
    assert not np.array_equal(changed, before)
    assert np.array_equal(drawn(offloaded), changed)
    unload_loras(offloaded)
    assert np.array_equal(drawn(offloaded), before)


@pytest.mark.parametrize(
    ("memory", "how"),
    [("balanced", "enable_model_cpu_offload"), ("low", "enable_sequential_cpu_offload"), ("full", "to")],
)
def test_a_gpu_gets_what_its_placement_says(info, memory, how, monkeypatch):
    pipeline = open_pipeline(info, "txt2img")
    called = []
    for name in ("enable_model_cpu_offload", "enable_sequential_cpu_offload", "to"):
        monkeypatch.setattr(
            type(pipeline), name, lambda _, *args, _n=name, **kw: called.append((_n, *args, *kw.values()))
        )
    place(pipeline, Placed("cuda:1", "fp16", "sdpa", memory))
    assert called == [(how, "cuda:1")]


def test_bfloat16_draws_on_the_cpu(info, capsys):
    pipeline = open_pipeline(info, "txt2img", placement=Placement(precision="bf16"))
    assert drawn(pipeline).std() > 1
    assert capsys.readouterr().err == "cpu, bf16\n"


def test_the_usual_place_is_not_worth_a_line(info, capsys):
    open_pipeline(info, "txt2img")
    assert capsys.readouterr().err == ""


def test_a_pipelines_models_are_weighed(info):
    pipeline = open_pipeline(info, "txt2img")
    sizes = model_bytes(pipeline)
    assert len(sizes) == 3
    assert max(sizes) == 4 * pipeline.unet.num_parameters()


def test_xformers_that_does_not_work_is_one_sentence(info, monkeypatch):
    pipeline = open_pipeline(info, "txt2img")
    with pytest.raises(UserError, match="--attention xformers: it does not work here"):
        use_attention(pipeline, Placed("cuda", "fp16", "xformers", "full"))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_running_out_of_memory_is_told_and_pictures_that_were_done_are_kept(info, error, monkeypatch):
    pipeline = open_pipeline(info, "txt2img")
    monkeypatch.setattr("wrapper.diffusion.pipelines.sampling.BATCH_PIXELS_CPU", 64 * 64)
    pictures = draw(pipeline, info, PROMPTS, QUICK)
    done = next(pictures)

    def fail(*_args, **_inputs):
        raise error

    monkeypatch.setattr(pipeline.unet, "forward", fail)
    with pytest.raises(RunFailed, match="The memory of 'cpu' is not enough for a picture of 64×64") as raised:
        next(pictures)
    assert "are kept" in raised.value.hint
    assert done.pixels.std() > 1


def test_a_picture_that_cannot_fit_is_told_before_it_is_begun(info, monkeypatch):
    pipeline = open_pipeline(info, "txt2img")
    monkeypatch.setattr(pipeline.unet, "forward", lambda *_args, **_inputs: pytest.fail("was begun"))
    with pytest.raises(RunFailed, match="not enough for a picture of 4194304×4194304"):
        run_batch(pipeline, PROMPTS[:1], QUICK, (1 << 22, 1 << 22))


def test_the_least_that_a_picture_takes_is_less_in_tiles(info):
    pipeline = open_pipeline(info, "txt2img")
    assert least_bytes(pipeline, 1, (512, 512)) == 2 * 512 * 512 * 32 * 4
    pipeline.vae.enable_tiling()
    assert least_bytes(pipeline, 3, (512, 512)) == 2 * 3 * 64 * 64 * 32 * 4


def test_other_errors_stay_what_they_are(info, monkeypatch):
    pipeline = open_pipeline(info, "txt2img")

    def fail(*_args, **_inputs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(pipeline.unet, "forward", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        drawn(pipeline)
    assert not is_out_of_memory(RuntimeError("a bug"))
