"""LoRAs that are exchanged or re-weighted act to the bit as those that are put in anew."""

from __future__ import annotations

import numpy as np
import pytest

from tests.comparison.small import QUICK, two_loras
from wrapper.base_model.base_size import base_side_px
from wrapper.base_model.detect import detect
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.sampling import native_size, run_batch
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.lora import swapping
from wrapper.lora.apply import LoraUse, apply_loras
from wrapper.lora.swapping import Swapper

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def draw(pipeline):
    return run_batch(pipeline, [Prompt("a woman", seed=3)], QUICK, (64, 64))[0]


@pytest.fixture
def loras(tmp_path):
    return two_loras(tmp_path)


def test_every_way_to_a_look_gives_its_picture(tiny_base, loras):
    info, (first, second) = detect(tiny_base()), loras
    wanted = [
        (),
        (LoraUse(first, 0.7),),
        (LoraUse(first, 1.1, 0.3),),
        (LoraUse(second, 0.9), LoraUse(first, 0.6)),
        (LoraUse(second, 0.2), LoraUse(first, -0.6)),
        (LoraUse(first, 0.7),),
        (),
    ]
    swapper = Swapper(open_pipeline(info, "txt2img"))
    for uses in wanted:
        swapper.use(uses)
        fresh = open_pipeline(info, "txt2img")
        apply_loras(fresh, list(uses))
        assert np.array_equal(draw(swapper.pipeline), draw(fresh)), uses


def test_new_weights_read_no_file(tiny_base, loras, monkeypatch):
    swapper = Swapper(open_pipeline(detect(tiny_base()), "txt2img"))
    swapper.use([LoraUse(loras[0], 0.5)])
    before = draw(swapper.pipeline)
    monkeypatch.setattr(swapping, "apply_loras", lambda *_: pytest.fail("a file was read again"))
    swapper.use([LoraUse(loras[0], 0.9)])
    assert not np.array_equal(before, draw(swapper.pipeline))


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_the_size_of_a_base_is_known_without_loading_it(tiny_base, kind):
    info = detect(tiny_base(kind))
    assert base_side_px(info) == native_size(open_pipeline(info, "txt2img")) == 64
