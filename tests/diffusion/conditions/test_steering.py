"""Every pipeline class with ControlNets, IP-Adapters and LoRAs, on small random models."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.pictures.images import save_png
from tests.condition_models import make_control_file
from tests.lora.loras import base_layers, random_lora
from tests.models import KINDS
from wrapper.base_model.detect import detect
from wrapper.diffusion.conditions.conditions import NONE, Conditions, Control, IpAdapter, condition_fields
from wrapper.diffusion.inpainting.inpaint import InpaintSettings, inpaint_region
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.sampling import Sampling
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.txt2img.generate import draw, generate
from wrapper.lora.apply import LoraUse

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
QUICK = Sampling("Euler a", steps=2, cfg=3.0)
PROMPTS = [Prompt("a man", seed=1), Prompt("a dog", "blur", seed=2)]


def pictures_of(info, conditions=NONE, sampling=QUICK, loras=()):
    drawn = generate(info, PROMPTS, sampling, (64, 48), loras, conditions=conditions)
    return np.stack([one.pixels for one in drawn]).astype(int)


def difference(first, second):
    return np.abs(first.astype(int) - second).max()


@pytest.mark.parametrize("kind", KINDS)
def test_a_control_changes_the_picture_and_at_weight_0_it_does_not(kind, tiny_base, steering, pictures):
    info, net = detect(tiny_base(kind)), steering(kind).nets[0]
    plain = pictures_of(info)

    def at(weight):
        return pictures_of(info, Conditions((Control("depth", pictures[0], net, weight),)))

    assert difference(at(0.0), plain) <= 1
    half, full = at(0.5), at(1.0)
    assert difference(half, plain) > 5
    assert difference(full, plain) > 5
    assert difference(half, full) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_two_controls_act_together(kind, tiny_base, steering, pictures):
    info, (first, second) = detect(tiny_base(kind)), steering(kind).nets
    one, other = Control("depth", pictures[0], first, 0.7), Control("openpose", pictures[1], second, 0.7)
    both = pictures_of(info, Conditions((one, other)))
    assert difference(both, pictures_of(info, Conditions((one,)))) > 5
    muted = Control("openpose", pictures[1], second, 0.0)
    assert difference(pictures_of(info, Conditions((one, muted))), pictures_of(info, Conditions((one,)))) <= 1


def test_the_same_net_twice_follows_two_images(tiny_base, steering, pictures):
    info, net = detect(tiny_base("sd15")), steering("sd15").nets[0]
    controls = [Control("depth", image, net, 0.7) for image in pictures[:2]]
    both = pictures_of(info, Conditions(tuple(controls)))
    assert difference(both, pictures_of(info, Conditions((controls[0],)))) > 5


def test_start_and_end_are_shares_of_the_steps(tiny_base, steering, pictures):
    info, net = detect(tiny_base("sd15")), steering("sd15").nets[0]
    whole, first, last = (
        pictures_of(info, Conditions((Control("depth", pictures[0], net, 1.0, *span),)))
        for span in ((0.0, 1.0), (0.0, 0.5), (0.5, 1.0))
    )
    assert difference(whole, first) > 0
    assert difference(whole, last) > 0
    assert difference(first, last) > 5


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [("sd15", "control_model."), ("sd15", ""), ("sd15", None), ("sdxl", "control_model.")],
    ids=["LDM", "LDM, bare", "diffusers", "SDXL"],
)
def test_a_single_file_is_the_control_net_of_its_folder(
    kind, prefix, tiny_base, steering, pictures, tmp_path
):
    info, net = detect(tiny_base(kind)), steering(kind).nets[0]
    file = make_control_file(net, tmp_path / "контроль ☕.safetensors", prefix=prefix)
    made = [pictures_of(info, Conditions((Control("canny", pictures[0], path),))) for path in (net, file)]
    assert np.array_equal(*made)


@pytest.mark.parametrize(
    ("kind", "form"), [("sd15", "plain"), ("sd15", "full"), ("sd15", "plus"), ("sdxl", "plain")]
)
def test_an_ip_adapter_changes_the_picture_and_at_scale_0_it_is_as_none(
    kind, form, tiny_base, steering, pictures
):
    info, models = detect(tiny_base(kind)), steering(kind)
    plain = pictures_of(info)

    def at(scale, *images):
        adapter = IpAdapter(models.adapters[form], models.encoder, images, scale)
        return pictures_of(info, Conditions(adapters=(adapter,)))

    assert np.array_equal(at(0.0, pictures[0]), plain)
    alone = at(1.0, pictures[0])
    assert difference(alone, plain) > 5
    assert difference(alone, at(1.0, pictures[0], pictures[1])) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_without_guidance_the_conditions_act_too(kind, tiny_base, steering, pictures):
    info, models = detect(tiny_base(kind)), steering(kind)
    loose = Sampling("Euler a", 2, 1.0)
    control = Control("depth", pictures[0], models.nets[0])
    adapter = IpAdapter(models.adapters["plain"], models.encoder, (pictures[1],))
    plain = pictures_of(info, sampling=loose)
    for conditions in (Conditions((control,)), Conditions(adapters=(adapter,))):
        assert difference(pictures_of(info, conditions, loose), plain) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_all_of_it_together_repeats_to_the_bit(kind, tiny_base, steering, pictures, tmp_path):
    info, models = detect(tiny_base(kind)), steering(kind)
    lora = LoraUse(random_lora(tmp_path / "a.safetensors", base_layers(tiny_base(kind))))
    controls = [Control("depth", pictures[n], models.nets[n], 0.5) for n in (0, 1)]
    adapters = [
        IpAdapter(models.adapters[form], models.encoder, (pictures[2],), 0.5) for form in ("plain", "plus")
    ]
    conditions = Conditions(tuple(controls), tuple(adapters))
    pipeline = open_pipeline(info, "txt2img", [lora], conditions)

    def again():
        return [
            one.pixels
            for one in draw(pipeline, info, PROMPTS, QUICK, (64, 48), [lora], conditions=conditions)
        ]

    first, second = again(), again()
    assert all(np.array_equal(mine, other) for mine, other in zip(first, second, strict=True))
    without = pictures_of(info, conditions)
    assert difference(np.stack(first), without) > 5


HEIGHT, WIDTH = 120, 160
PAINT = InpaintSettings(QUICK, mask_blur_px=4, work_size=64)


def painted(info, photo, mask, conditions=NONE, loras=()):
    pipeline = open_pipeline(info, "inpaint", loras, conditions)
    return inpaint_region(pipeline, photo, mask, PROMPTS[0], PAINT)


@pytest.fixture
def photo():
    return np.random.default_rng(9).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)


@pytest.fixture
def mask():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:30, 10:30] = 255
    return mask


@pytest.mark.parametrize("nine", [True, False], ids=["nine channels", "four channels"])
@pytest.mark.parametrize("kind", KINDS)
def test_inpainting_follows_controls_and_images(
    kind, nine, tiny_base, steering, pictures, photo, mask, tmp_path
):
    info, models = detect(tiny_base(kind, inpaint=nine)), steering(kind)
    lora = LoraUse(random_lora(tmp_path / "a.safetensors", base_layers(tiny_base(kind, inpaint=nine))))
    plain = painted(info, photo, mask, loras=[lora])

    def with_(weight, scale):
        control = Control("depth", pictures[0], models.nets[0], weight)
        adapter = IpAdapter(models.adapters["plain"], models.encoder, (pictures[1],), scale)
        return painted(info, photo, mask, Conditions((control,), (adapter,)), [lora])

    assert difference(with_(0.0, 0.0), plain) <= 2
    steered = with_(1.0, 1.0)
    assert difference(steered, plain) > 3
    assert np.array_equal(steered[60:], photo[60:])


def test_two_controls_inpaint_with_nine_channels(tiny_base, steering, pictures, photo, mask):
    info, models = detect(tiny_base("sd15", inpaint=True)), steering("sd15")
    controls = [Control("depth", pictures[n], models.nets[n], 0.5) for n in (0, 1)]
    one, two = (painted(info, photo, mask, Conditions(tuple(controls[:count]))) for count in (1, 2))
    assert difference(one, two) > 3


def test_the_control_image_is_cut_with_the_photograph(tiny_base, steering, photo, mask, tmp_path):
    """What it shows far from the mask, the model does not see."""
    info, net = detect(tiny_base("sd15", inpaint=True)), steering("sd15").nets[0]
    image = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    elsewhere, there = image.copy(), image.copy()
    elsewhere[90:, 100:] = 255
    there[:60, :60] = 255
    results = []
    for name, pixels in {"as it is": image, "elsewhere": elsewhere, "there": there}.items():
        save_png(tmp_path / f"{name}.png", pixels)
        conditions = Conditions((Control("depth", tmp_path / f"{name}.png", net),))
        results.append(painted(info, photo, mask, conditions))
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_a_picture_tells_its_conditions(tiny_base, steering, pictures):
    models = steering("sd15")
    conditions = Conditions(
        (Control("depth", pictures[0], models.nets[0], 0.8, 0.0, 0.6),),
        (IpAdapter(models.adapters["plus"], models.encoder, (pictures[1],), 0.5),),
    )
    drawn = next(iter(generate(detect(tiny_base("sd15")), PROMPTS, QUICK, conditions=conditions)))
    told = {key: drawn.info.fields[key] for key in condition_fields(conditions)}
    assert told == {
        "ControlNet 0": "Module: none, Model: net 0, Weight: 0.8, Resize Mode: Crop and Resize, "
        "Guidance Start: 0, Guidance End: 0.6, Control Mode: Balanced",
        "IP-Adapter 0": "Model: ip plus, Weight: 0.5, Images: 1",
    }


def test_a_control_image_of_another_shape_is_told_of_once(tiny_base, steering, pictures, capsys):
    info, net = detect(tiny_base("sd15")), steering("sd15").nets[0]
    pipeline = open_pipeline(info, "txt2img", (), Conditions((Control("depth", pictures[0], net),)))
    note = "control 'depth': its image of 80×60 is cropped to the shape of 64×64"
    for _ in range(2):
        list(draw(pipeline, info, PROMPTS[:1], QUICK, (64, 64)))
    assert capsys.readouterr().err.count(note) == 1
    list(draw(pipeline, info, PROMPTS[:1], QUICK, (64, 48)))
    assert "cropped" not in capsys.readouterr().err
