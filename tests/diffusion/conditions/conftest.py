"""One set of small random condition models for each kind of base, made once a module."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dataset_tools.pictures.images import save_png
from tests.condition_models import make_control_net, make_image_encoder, make_ip_adapter


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> list[Path]:
    """Three noisy control images of the shape of 80×60."""
    folder = tmp_path_factory.mktemp("картинки 'control' ☕")
    paths = [folder / f"{number}.png" for number in range(3)]
    for seed, path in enumerate(paths):
        save_png(path, np.random.default_rng(seed).integers(0, 256, (60, 80, 3)).astype(np.uint8))
    return paths


@pytest.fixture(scope="session")
def steering(tiny_base, tmp_path_factory):
    """``steering("sdxl")``: two ControlNets, an image encoder, and an IP-Adapter of each form."""
    made: dict[str, SimpleNamespace] = {}

    def models(kind: str) -> SimpleNamespace:
        if kind not in made:
            folder, base = tmp_path_factory.mktemp(f"steering {kind}"), tiny_base(kind)
            made[kind] = SimpleNamespace(
                nets=[make_control_net(base, folder / f"net {seed}", seed) for seed in (0, 1)],
                encoder=make_image_encoder(folder / "encoder"),
                adapters={
                    form: make_ip_adapter(base, folder / f"ip {form}.safetensors", form)
                    for form in ("plain", "full", "plus")
                },
            )
        return made[kind]

    return models
