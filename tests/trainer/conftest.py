"""Small training sets and runs of the embedded trainer, in this process and as children."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from wrapper.trainer.config import Settings, read_settings

ROOT = Path(__file__).parent.parent.parent
SIDE = 64


def write_toml(path: Path, table: dict[str, Any]) -> Path:
    """Flat keys, then tables of tables: enough TOML for these tests."""
    import json

    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_dataset_toml(path: Path, dataset: dict[str, Any], subsets: list[dict[str, Any]]) -> Path:
    import json

    def lines(table: dict[str, Any]) -> list[str]:
        return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]

    text = ["[[datasets]]", *lines(dataset)]
    for subset in subsets:
        text += ["[[datasets.subsets]]", *lines(subset)]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


def draw_pictures(folder: Path, count: int, size: tuple[int, int] = (SIDE, SIDE), seed: int = 0) -> Path:
    """``count`` coloured blots with captions, and a mask of each in ``<folder> masks``."""
    random = np.random.default_rng(seed)
    masks = folder.with_name(f"{folder.name} masks")
    for place in (folder, masks):
        place.mkdir(parents=True)
    for number in range(count):
        pixels = random.integers(0, 256, (4, 4, 3), np.uint8)
        name = f"ухо {number} 🙂"
        Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR).save(folder / f"{name}.png")
        mask = np.zeros((size[1], size[0]), np.uint8)
        mask[size[1] // 4 : size[1] // 2, size[0] // 8 * (1 + number % 3) : size[0] // 2 + 8] = 255
        Image.fromarray(mask).save(masks / f"{name}.png")
        (folder / f"{name}.txt").write_text(f"zorn head, number {number}\n", encoding="utf-8")
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return draw_pictures(tmp_path / "it's a folder" / "2_zorn person", 3)


@pytest.fixture(autouse=True)
def cache_in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LORAWRAP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")


Make = Callable[..., Settings]


@pytest.fixture
def make_settings(tmp_path: Path, pictures: Path, tiny_base: Callable[..., Path]) -> Make:
    """``make_settings("train_network", network_dim=4, dataset={…}, subset={…}, reg=folder)``."""

    def make(
        script: str = "train_network",
        *,
        kind: str = "sd15",
        dataset: dict[str, Any] | None = None,
        subset: dict[str, Any] | None = None,
        reg: Path | None = None,
        masks: bool | None = None,
        folder: Path = pictures,
        **options: Any,
    ) -> Settings:
        inpaint = script == "train_network_inpaint"
        own = {"image_dir": str(folder), "num_repeats": 2, "caption_extension": ".txt"}
        if inpaint if masks is None else masks:
            own["conditioning_data_dir"] = f"{folder} masks"
        subsets = [{**own, **(subset or {})}]
        if reg:
            subsets.append(
                {"image_dir": str(reg), "is_reg": True, "class_tokens": "person", "num_repeats": 1}
            )
        base = {"resolution": SIDE, "batch_size": 2}
        toml = write_dataset_toml(tmp_path / "dataset.toml", {**base, **(dataset or {})}, subsets)
        table = {
            "pretrained_model_name_or_path": str(tiny_base(kind, inpaint)),
            "dataset_config": str(toml),
            "output_dir": str(tmp_path / "out put"),
            "output_name": "zorn",
            "network_dim": 2,
            "network_alpha": 1,
            "learning_rate": 1e-3,
            "seed": 7,
            "cache_latents": True,
            **({} if "max_train_steps" in options else {"max_train_epochs": 2}),
            **options,
        }
        config = write_toml(tmp_path / "train.toml", table)
        return read_settings(["--config_file", str(config)], script)

    return make


@pytest.fixture
def launch(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start a trainer script on ``train.toml`` as a child process."""

    def start(script: str, *extra: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", f"wrapper.trainer.{script}", "--config_file", "train.toml", *extra],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
