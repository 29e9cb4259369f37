"""Stage B with its latents cached and not, by both trainers, taking turns in one run.

``python benchmarks/stage_b_cache.py`` needs LORAWRAP_SD_SCRIPTS and LORAWRAP_SD_SCRIPTS_PYTHON for the second
trainer; ``--embedded-only`` does without. Uncached, the VAE encodes the image and the masked image at every
step; how much that is of a step is printed as the VAE's share.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.machine import report
from benchmarks.random_base import random_base
from benchmarks.trainers import ENGINES, Engine, Measured, Training, measure, size_options


def main() -> None:
    options = _options()
    engines = ENGINES[:1] if options.embedded_only else ENGINES
    runs: dict[tuple[Engine, bool], list[Measured]] = {}
    with tempfile.TemporaryDirectory() as folder:
        base = random_base(options.width, 9, Path(folder))
        for _ in range(options.rounds):
            for engine in engines:
                for cached in (True, False):
                    training = Training(
                        base, True, options.resolution, options.batch, options.steps, _values(options, cached)
                    )
                    measured = measure(engine, training, options.threads)
                    runs.setdefault((engine, cached), []).append(measured)
    report([_row(engine, runs[engine, True], runs[engine, False]) for engine in engines], options.json)


def _options() -> argparse.Namespace:
    parser = size_options(__doc__, batch=2, steps=10, rounds=2)
    parser.add_argument("--embedded-only", action="store_true")
    return parser.parse_args()


def _values(options: argparse.Namespace, cached: bool) -> dict[str, Any]:
    return {
        "network_dim": 16,
        "network_alpha": 8,
        "optimizer_type": "AdamW",
        "learning_rate": 1e-4,
        "cache_latents": cached,
        "network_train_unet_only": True,
        "mixed_precision": options.mixed_precision,
    }


def _row(engine: Engine, cached: list[Measured], uncached: list[Measured]) -> dict[str, Any]:
    fast, slow = (statistics.median(run.median_cpu_s for run in runs) for runs in (cached, uncached))
    return {
        "trainer": engine,
        "cached, CPU s a step": fast,
        "uncached, CPU s a step": slow,
        "cached, wall s a step": statistics.median(run.median_wall_s for run in cached),
        "uncached, wall s a step": statistics.median(run.median_wall_s for run in uncached),
        "cached, peak MiB": statistics.median(run.peak_mib for run in cached),
        "uncached, peak MiB": statistics.median(run.peak_mib for run in uncached),
        "VAE's share of an uncached step": 1 - fast / slow,
        "ratio": slow / fast,
    }


if __name__ == "__main__":
    main()
