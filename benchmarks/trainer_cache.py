"""Stage B steps with and without cached latents, side by side: ``python benchmarks/trainer_cache.py``.

Prints CPU milliseconds a step for each, and their ratio. ``--base`` is a 9-channel base (a diffusers folder);
``--images`` and ``--masks`` are folders of equal names.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from wrapper.trainer.config import read_settings
from wrapper.trainer.loop import Loop
from wrapper.trainer.run import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--masks", type=Path, required=True)
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    cached, plain = (median_ms(options, cache=flag) for flag in (True, False))
    print(f"cached {cached:.0f} ms, uncached {plain:.0f} ms, ratio {plain / cached:.2f}")


def median_ms(options: argparse.Namespace, *, cache: bool) -> float:
    """Median CPU milliseconds of an optimizer step; the first is left out."""
    took: list[float] = []
    step = Loop._step

    def timed(self: Loop, *args: Any) -> float:
        start = time.process_time()
        loss = step(self, *args)
        took.append(time.process_time() - start)
        return loss

    Loop._step = timed  # type: ignore[method-assign]
    try:
        with tempfile.TemporaryDirectory() as folder:
            run(read_settings(_arguments(options, Path(folder), cache), "train_network_inpaint"))
    finally:
        Loop._step = step  # type: ignore[method-assign]
    return 1000 * statistics.median(took[1:])


def _arguments(options: argparse.Namespace, folder: Path, cache: bool) -> list[str]:
    subset = {"image_dir": options.images, "conditioning_data_dir": options.masks, "class_tokens": "head"}
    lines = ["[[datasets]]", f"resolution = {options.resolution}", f"batch_size = {options.batch}"]
    lines += ["[[datasets.subsets]]", "num_repeats = 8"]
    lines += [f"{key} = {json.dumps(str(value))}" for key, value in subset.items()]
    config = folder / "dataset.toml"
    config.write_text("\n".join(lines), encoding="utf-8")
    values = {
        "pretrained_model_name_or_path": options.base,
        "dataset_config": config,
        "output_dir": folder / "output",
        "output_name": "benchmark",
        "max_train_steps": options.steps,
        "learning_rate": 1e-4,
        "network_dim": 16,
        "seed": 1,
    }
    flags = ["--network_train_unet_only", "--masked_loss", *(["--cache_latents"] if cache else [])]
    return [*(word for key, value in values.items() for word in (f"--{key}", str(value))), *flags]


if __name__ == "__main__":
    main()
