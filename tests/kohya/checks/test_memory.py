"""The forecast of GPU memory: against published runs, and which setting saves what."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.kohya.projects import make_base
from wrapper.kohya.checks import memory as card
from wrapper.kohya.checks.memory import check_memory
from wrapper.kohya.located import Located
from wrapper.kohya.memory import SIZES, forecast
from wrapper.kohya.report import Findings

SDXL = {
    "mixed_precision": "bf16",
    "network_dim": 32,
    "sdpa": True,
    "cache_latents": True,
    "optimizer_type": "AdamW8bit",
}
CHECKPOINTED = SDXL | {"gradient_checkpointing": True}
SD15 = {"mixed_precision": "fp16", "network_dim": 128, "xformers": True, "use_8bit_adam": True}

PUBLISHED = {
    "SDXL, rank 32": ("sdxl", SDXL, (1024, 1024), 1, 17.4, 0.05),
    "SDXL, checkpointing": ("sdxl", CHECKPOINTED, (1024, 1024), 1, 9.4, 0.05),
    "SDXL, checkpointing, 8 bits": ("sdxl", CHECKPOINTED | {"fp8_base": True}, (1024, 1024), 1, 6.4, 0.05),
    "SDXL, checkpointing, two at once": ("sdxl", CHECKPOINTED, (1024, 1024), 2, 13.1, 0.25),
    "SD 1.5, four at once": ("sd15", SD15, (512, 512), 4, 10.1, 0.15),
    "SD 1.5, thirteen at once": ("sd15", SD15, (512, 512), 13, 22.2, 0.15),
    "SD 1.5, plain attention": ("sd15", SD15 | {"xformers": False}, (512, 512), 2, 18.7, 0.15),
}
"""Community figures in GiB: SDXL from the project's own collection, SD 1.5 from arca.live/b/aiart/77209577
(RTX 4090, xFormers, what the card held before the run subtracted)."""


@pytest.mark.parametrize(
    ("kind", "values", "size", "batch", "published", "within"), PUBLISHED.values(), ids=PUBLISHED
)
def test_published_runs_are_foreseen(kind, values, size, batch, published, within):
    assert forecast(values, kind, size, batch).total == pytest.approx(published, rel=within)


SAVINGS = {
    "checkpointing": {"gradient_checkpointing": True},
    "8-bit base": {"fp8_base": True},
    "a lower rank": {"network_dim": 8},
    "a smaller optimizer": {"optimizer_type": "Adafactor"},
    "U-Net only": {"network_train_unet_only": True},
    "cached captions": {"network_train_unet_only": True, "cache_text_encoder_outputs": True},
    "16-bit training": {"full_bf16": True},
}


@pytest.mark.parametrize("saving", SAVINGS.values(), ids=SAVINGS)
@pytest.mark.parametrize("kind", SIZES)
def test_what_saves_memory_is_foreseen_to(kind, saving):
    plain = forecast(SDXL, kind, (1024, 1024), 2)
    assert forecast(SDXL | saving, kind, (1024, 1024), 2).total < plain.total - 0.01


COSTS = {
    "full precision": {"mixed_precision": "no"},
    "plain attention": {"sdpa": False},
    "a larger optimizer": {"optimizer_type": "prodigyopt.Prodigy"},
    "convolutions": {"network_args": ["conv_dim=32"]},
    "a VAE at hand": {"cache_latents": False},
    "many encoded at once": {"vae_batch_size": 32},
}


@pytest.mark.parametrize("cost", COSTS.values(), ids=COSTS)
def test_what_costs_memory_is_foreseen_to(cost):
    assert forecast(SDXL | cost, "sdxl", (1024, 1024)).total > forecast(SDXL, "sdxl", (1024, 1024)).total


def test_it_grows_with_pixels_and_batch_and_says_its_parts():
    small, large = forecast(SDXL, "sd15", (512, 512), 1), forecast(SDXL, "sd15", (768, 768), 2)
    ratio = large.parts["activations"] / small.parts["activations"]
    assert ratio == pytest.approx(2 * 1.5**2, rel=0.05)
    assert str(small).startswith("about 4.4 GiB of GPU memory: U-Net 1.6, text encoders 0.2, ")


def view(resolution, batch):
    return SimpleNamespace(resolution=resolution, batch_size=batch)


@pytest.fixture
def train(tmp_path):
    path = tmp_path / "обучение.toml"
    path.write_text("")
    return Located(path, {}, {})


def test_a_card_that_is_too_small_is_warned_of(train):
    findings = Findings()
    views = [view((512, 512), 1), view((1024, 1024), 4), view(None, 1)]
    foreseen = check_memory(train, SDXL, views, "sdxl_train_network", findings, 24)
    assert foreseen.total > 24
    assert "the card has 24.0 GiB." in findings.warnings[0].message
    assert "обучение.toml" in findings.warnings[0].where
    check_memory(train, SDXL, views[:1], "sdxl_train_network", findings, 24)
    assert len(findings.warnings) == 1


def test_the_smallest_card_counts(train, tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 81559\necho 8192\necho '[N/A]'\n")
    program.chmod(0o755)
    monkeypatch.setattr(card.shutil, "which", lambda name: str(program) if name == program.name else None)
    findings = Findings()
    check_memory(train, SDXL, [view((1024, 1024), 1)], "sdxl_train_network", findings)
    assert "the card has 8.0 GiB." in findings.warnings[0].message


def test_without_a_card_nothing_is_warned_of(train, monkeypatch):
    monkeypatch.setattr(card.shutil, "which", lambda name: None)
    findings = Findings()
    assert check_memory(train, SDXL, [view((1024, 1024), 64)], "train_network", findings).total > 100
    assert findings.warnings == []


def test_values_of_a_wrong_type_are_left_to_others(train):
    wrong = SDXL | {"network_dim": "many"}
    assert check_memory(train, wrong, [view((512, 512), 1)], "train_network", Findings(), 8) is None
    assert check_memory(train, SDXL, [], "train_network", Findings(), 8) is None


def test_the_base_says_which_kind_an_inpaint_run_trains(tmp_path):
    from wrapper.kohya.checks.memory import BASE, model_kind

    base = make_base(tmp_path / "основа", 9, "StableDiffusionXLInpaintPipeline")
    assert model_kind({BASE: str(base)}, "train_network_inpaint") == "sdxl"
    assert model_kind({BASE: str(tmp_path)}, "train_network_inpaint") == "sd15"
    assert model_kind({}, "sdxl_train_network") == "sdxl"
