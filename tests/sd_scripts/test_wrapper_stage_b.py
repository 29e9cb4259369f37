"""``lorawrap train`` with the inpaint script: masks, nine channels, both stages one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kohya.projects import NAME
from tests.sd_scripts.projects import make_project, train
from wrapper.lora.file import read_lora
from wrapper.lora.verify import verify_lora

STAGE_B = {
    "sd15": ("sd15", {"cache_latents": False}),
    "sd15 cached to disk": (
        "sd15",
        {"cache_latents": True, "cache_latents_to_disk": True, "masked_loss_normalize": True},
    ),
    "sdxl": ("sdxl", {"cache_latents": False, "network_train_unet_only": True}),
    "sdxl cached": ("sdxl", {"cache_latents": True, "network_train_unet_only": True}),
}


@pytest.mark.parametrize("case", STAGE_B)
def test_stage_b_trains_with_the_masks(
    scripts, single_base, through_wrapper, tmp_path: Path, case: str
) -> None:
    kind, kohya = STAGE_B[case]
    base = single_base(kind, inpaint=True)
    through_wrapper(scripts, base)
    project = make_project(tmp_path / "проект 'q' 🙂", single_base(kind), base, stage_a=False, **kohya)
    done = train(project, "stage_b")
    assert done.returncode == 0, done.stdout
    made = project.paths.lora("stage_b", NAME)
    assert verify_lora(made, kind) == []
    assert read_lora(made).metadata["ss_steps"] == "4"
    told = json.loads(project.paths.run("stage_b").record.read_text(encoding="utf-8"))
    assert (told["script"], told["status"], told["steps"]) == ("train_network_inpaint", "succeeded", 4)


def test_both_stages_are_trained_one_after_the_other(
    newest_scripts, single_base, through_wrapper, tmp_path: Path
) -> None:
    """One command; the two LoRAs are of the same modules."""
    base = single_base("sd15")
    through_wrapper(newest_scripts, base)
    kohya = {"network_train_unet_only": True}
    project = make_project(tmp_path / "проект", base, single_base("sd15", inpaint=True), **kohya)
    done = train(project, "all")
    assert done.returncode == 0, done.stdout
    first, second = (read_lora(project.paths.lora(stage, NAME)).tensors for stage in ("stage_a", "stage_b"))
    assert first.keys() == second.keys()


def test_a_missing_mask_is_refused_before_the_start(
    newest_scripts, single_base, through_wrapper, tmp_path: Path
) -> None:
    base = single_base("sd15", inpaint=True)
    through_wrapper(newest_scripts, base)
    project = make_project(tmp_path / "проект", single_base("sd15"), base, stage_a=False)
    masks = project.paths.dataset / "stage_b" / "masks" / "front" / "2_myface person"
    next(iter(sorted(masks.glob("*.png")))).unlink()
    done = train(project, "stage_b")
    assert done.returncode == 2, done.stdout
    assert "3 masks, but 4 were built" in done.stdout
