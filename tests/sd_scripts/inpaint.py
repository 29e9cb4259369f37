"""One run of ``vendor/train_network_inpaint.py`` on the real, shrunk sd-scripts."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sd_scripts.harness import Base, Scripts, train_arguments
from tests.trainer.conftest import draw_pictures, write_dataset_toml

SCRIPT = Path(__file__).parents[2] / "vendor" / "train_network_inpaint.py"
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Bench:
    """A scripts' version, a base, and a folder with pictures, masks and a dataset's TOML."""

    scripts: Scripts
    base: Base
    folder: Path

    def train(self, *, env: dict[str, str] | None = None, name: str = "ear", **values: Any) -> Done:
        """Two steps at 64 px on ``data.toml``, U-Net only, unless ``values`` say otherwise."""
        words = train_arguments(
            self.base,
            self.folder / "out",
            **{
                "dataset_config": self.folder / "data.toml",
                "output_name": name,
                "network_train_unet_only": True,
                **values,
            },
        )
        cache = {"LORAWRAP_CACHE_DIR": str(self.folder / "cache")}
        return self.scripts.run(self.base, SCRIPT, words, {**cache, **(env or {})})

    def lora(self, name: str = "ear") -> Path:
        return self.folder / "out" / f"{name}.safetensors"

    def timed(self, **values: Any) -> float:
        start = time.perf_counter()
        done = self.train(**values)
        assert done.returncode == 0, done.stdout
        return time.perf_counter() - start


def write_data(
    folder: Path,
    *,
    count: int = 3,
    size: tuple[int, int] = (64, 64),
    dataset: dict[str, Any] | None = None,
    subset: dict[str, Any] | None = None,
) -> Path:
    """Pictures, masks and captions in ``folder``, and its ``data.toml``."""
    pictures = draw_pictures(folder / "it's 2_zorn ухо", count, size)
    return write_dataset_toml(
        folder / "data.toml",
        {"resolution": [64, 64], "batch_size": 2, **(dataset or {})},
        [
            {
                "image_dir": str(pictures),
                "conditioning_data_dir": str(pictures.with_name(f"{pictures.name} masks")),
                "caption_extension": ".txt",
                "num_repeats": 2,
                **(subset or {}),
            }
        ],
    )
